"""What happens to networks and servers, and what a person sees of it."""

from __future__ import annotations

import os
import re
import signal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Desk
from tests.browser.test_two_tabs import composer, friend, message, say
from tests.client import Client, until
from tests.workers.launched import Launched
from tests.workers.test_comet import workers

PASSWORD = "correct horse"
# How Chromium itself reports a request that did not go through.
UNREACHABLE = ["ERR_", "503"]


class Pair:
    """Ada at a browser, bob as a program, friends."""

    def __init__(self, desk: Desk, ada: Client, bob: Client, talk: int) -> None:
        self.desk, self.ada, self.bob, self.talk = desk, ada, bob, talk
        desk.expected = UNREACHABLE
        self.page = desk.logged_in(ada.name, PASSWORD)
        friend(self.page, bob.name).click()
        expect(composer(self.page)).to_be_visible()  # what shows a chat is loaded by now

    def hears(self, text: str) -> None:
        self.bob.send(self.talk, text)
        expect(message(self.page, text, "received")).to_be_visible()


@pytest.fixture
def pair(desk: Desk, demo_node: Launched) -> Pair:
    nodes = [("127.0.0.1", demo_node.port)]
    ada, bob = Client(nodes).register(), Client(nodes).register()
    return Pair(desk, ada, bob, ada.befriend(bob))


def banner(page: Page) -> Locator:
    return page.locator("#connection-banner")


def test_offline_and_back(pair: Pair) -> None:
    pair.hears("before")
    pair.desk.context.set_offline(True)
    expect(banner(pair.page)).to_be_visible()
    pair.bob.send(pair.talk, "missed")
    say(pair.page, "typed while offline")
    expect(message(pair.page, "typed while offline", "pending")).to_be_visible()
    pair.desk.context.set_offline(False)
    expect(message(pair.page, "typed while offline", "sent")).to_be_visible()
    expect(message(pair.page, "missed", "received")).to_be_visible()
    expect(banner(pair.page)).to_be_hidden()
    texts = [message["text"] for message in pair.bob.history(pair.talk)]
    assert texts == ["before", "missed", "typed while offline"]
    assert pair.page.locator("[data-client-id] .text").all_inner_texts() == texts


def test_who_is_there_is_unknown_while_the_line_is_down(pair: Pair) -> None:
    dot = friend(pair.page, pair.bob.name).locator(".presence")
    word = pair.page.locator(".who p")
    expect(dot).to_have_attribute("data-online", re.compile("true|false"))
    pair.desk.context.set_offline(True)
    expect(banner(pair.page)).to_be_visible()
    expect(dot).to_have_attribute("data-online", "unknown")
    expect(word).to_have_text("status unknown")
    pair.desk.context.set_offline(False)
    expect(banner(pair.page)).to_be_hidden()
    expect(dot).to_have_attribute("data-online", re.compile("true|false"))
    expect(word).to_have_text(re.compile("^(online|offline)$"))


def test_a_send_that_gets_through_shows_that_the_line_is_back(pair: Pair) -> None:
    """The poll loop may be in a long pause by then; the banner must not stand for the rest of it."""
    pair.page.route(
        "**/api/events*",
        lambda route: route.fulfill(status=503, json={"code": "x", "detail": "not now", "retry_after": 600}),
    )
    pair.bob.send(pair.talk, "ends the poll that is parked")
    expect(banner(pair.page)).to_be_visible()
    pair.page.unroute("**/api/events*")
    say(pair.page, "hello?")
    expect(message(pair.page, "hello?", "sent")).to_be_visible()
    expect(banner(pair.page)).to_be_hidden()
    pair.hears("loud and clear")


def test_a_reload_in_mid_send_sends_once(pair: Pair) -> None:
    pair.desk.context.set_offline(True)
    say(pair.page, "unsent")
    expect(message(pair.page, "unsent", "pending")).to_be_visible()
    pair.desk.context.set_offline(False)
    pair.page.reload()
    friend(pair.page, pair.bob.name).click()
    expect(message(pair.page, "unsent", "sent")).to_be_visible()
    assert [message["text"] for message in pair.bob.history(pair.talk)] == ["unsent"]


def test_what_the_server_refuses_is_marked_and_can_be_retried(pair: Pair) -> None:
    pair.desk.expected = ["404", *UNREACHABLE]
    pair.page.route(
        "**/api/messages", lambda route: route.fulfill(status=404, json={"code": "x", "detail": "no, not that"})
    )
    say(pair.page, "refused")
    expect(message(pair.page, "refused", "failed")).to_be_visible()
    pair.page.unroute("**/api/messages")
    pair.page.get_by_role("button", name="Retry").click()
    expect(message(pair.page, "refused", "sent")).to_be_visible()
    assert [message["text"] for message in pair.bob.history(pair.talk)] == ["refused"]


def test_a_killed_worker_and_a_reload_of_the_server_are_hardly_noticed(pair: Pair, demo_node: Launched) -> None:
    pair.hears("before")
    os.kill(workers(demo_node)[0], signal.SIGKILL)
    pair.hears("after the kill")
    before = set(workers(demo_node))
    demo_node.process.send_signal(signal.SIGHUP)
    until("the workers are new", lambda: workers(demo_node) and before.isdisjoint(workers(demo_node)))
    pair.hears("after the reload")
    say(pair.page, "and back")
    expect(message(pair.page, "and back", "sent")).to_be_visible()


def test_a_session_that_was_ended_elsewhere_leads_to_the_login_page(pair: Pair) -> None:
    pair.desk.expected = ["401", *UNREACHABLE]
    # Another tab of the same slot logs out: the cookie is gone and the session over.
    slot = pair.page.evaluate("sessionStorage.getItem('webchat.slot') ?? Object.values(sessionStorage).join()")
    assert slot
    name = next(cookie["name"] for cookie in pair.desk.context.cookies())
    pair.page.evaluate(
        "slot => fetch('/api/session', {method: 'DELETE', headers: {'X-Webchat-Session': slot}})",
        name.removeprefix("webchat_"),
    )
    expect(pair.page.get_by_label("Password")).to_be_visible()
    expect(pair.page.get_by_text("logged out")).to_be_visible()


def test_a_cursor_that_cannot_be_continued_is_mended_without_a_reload(pair: Pair) -> None:
    """The server answers `reset`; the page loads the snapshot and goes on, with its draft and its place."""
    pair.hears("before")
    composer(pair.page).fill("a draft")
    resets: list[str] = []
    snapshots: list[str] = []
    pair.page.on("response", lambda r: snapshots.extend([r.url] if "/api/state" in r.url else []))

    def from_another_epoch(route: Route) -> None:
        """As if the database had been restored from a backup since the last answer. Once."""
        resets.append(route.request.url)
        route.continue_(url=re.sub(r"after=[0-9a-f]+", "after=" + 12 * "0", route.request.url))

    pair.page.route("**/api/events*", from_another_epoch, times=1)
    pair.hears("wakes the poll that is parked, whose cursor is good")
    pair.hears("after")
    assert resets, "the next poll had the other epoch"
    assert snapshots, "so the snapshot was loaded"
    expect(composer(pair.page)).to_have_value("a draft")
    expect(pair.page.locator("[data-client-id]")).to_have_count(3)
