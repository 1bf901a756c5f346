"""What happens to a laptop: it sleeps, the server is started anew under it, its session ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, Desk, log_in
from tests.browser.test_many_tabs import Office
from tests.browser.test_trouble import UNREACHABLE
from tests.browser.test_two_tabs import composer, friend, message, say
from tests.client import PASSWORD, Client, until
from tests.conftest import FAST
from tests.workers.launched import Launched


def end_session(page: Page) -> None:
    """As the server does at the end of its days: the tabs hear of it by their next call."""
    name = next(cookie["name"] for cookie in page.context.cookies())
    status = page.evaluate(
        "slot => fetch('/api/session', {method: 'DELETE', headers: {'X-Webchat-Session': slot}}).then(a => a.status)",
        name.removeprefix("webchat_"),
    )
    assert status == 204


def test_a_machine_that_wakes_hangs_up_on_the_poll_that_slept(desk: Desk, demo_node: Launched) -> None:
    nodes = [("127.0.0.1", demo_node.port)]
    ada, bob = Client(nodes).register(), Client(nodes).register()
    talk = ada.befriend(bob)
    desk.expected = ["ERR_"]
    desk.context.clock.install()
    page = desk.logged_in(ada.name, PASSWORD)
    friend(page, bob.name).click()
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "/api/events" in request.url else None)
    bob.send(talk, "before")
    expect(message(page, "before", "received")).to_be_visible()
    until("the next poll is parked", lambda: page.evaluate("1") and polls)
    # Whichever poll is parked by then: a receipt may have come in between.
    with page.expect_event("requestfailed", lambda request: "/api/events" in request.url):
        page.clock.fast_forward(20_000)  # ms: less than a poll may take in any case
    until("a poll asks whether anybody is there", lambda: page.evaluate("1") and "timeout=0" in "".join(polls))
    bob.send(talk, "after")
    expect(message(page, "after", "received")).to_be_visible()


def test_a_session_that_ended_loses_neither_drafts_nor_unsent_texts(desk: Desk, demo_node: Launched) -> None:
    office = Office(desk, demo_node, tabs=2)
    desk.expected = ["401", *UNREACHABLE]
    one, other = office.tabs
    office.hears("before")
    for tab in office.tabs:
        tab.route("**/api/messages", lambda route: route.abort())
    say(one, "not sent yet")
    expect(message(other, "not sent yet", "pending")).to_be_visible()
    composer(one).fill("a draft")
    end_session(one)
    for tab in office.tabs:
        tab.unroute("**/api/messages")
        expect(tab.get_by_text("logged out")).to_be_visible()
        expect(tab.get_by_label("Name")).to_have_value(office.ada.name)
    assert [said["text"] for said in office.bob.history(office.talk)] == ["before"]
    office.texts.append("not sent yet")
    log_in(one, office.ada.name, PASSWORD)
    office.shows()  # the other tab goes on as well
    expect(composer(one)).to_have_value("a draft")
    assert [said["text"] for said in office.bob.history(office.talk)] == office.texts


def test_what_one_person_did_not_send_does_not_leave_in_anothers_name(desk: Desk, demo_node: Launched) -> None:
    office = Office(desk, demo_node, tabs=1)
    desk.expected = ["401", *UNREACHABLE]
    (page,) = office.tabs
    page.route("**/api/messages", lambda route: route.abort())
    say(page, "ada's own words")
    end_session(page)
    page.unroute("**/api/messages")
    expect(page.get_by_label("Name")).to_have_value(office.ada.name)
    log_in(page, office.bob.name, PASSWORD)
    friend(page, office.ada.name).click()
    say(page, "bob's")
    expect(message(page, "bob's", "sent")).to_be_visible()
    assert [said["text"] for said in office.bob.history(office.talk)] == ["bob's"]


@pytest.fixture
def own_desk(browser: Browser, tmp_path: Path) -> Iterator[tuple[Desk, Launched]]:
    """A server that a test may stop."""
    with browser.new_context() as context, Launched(tmp_path / "data", **FAST) as node:
        node.ready()
        made = Desk(context, f"http://127.0.0.1:{node.port}")
        made.expected = UNREACHABLE
        yield made, node
        node.stop()
        assert made.complaints == []


def test_a_server_that_is_started_anew_is_found_again(own_desk: tuple[Desk, Launched], tmp_path: Path) -> None:
    desk, node = own_desk
    office = Office(desk, node)
    office.hears("before")
    port = node.port
    node.stop()
    say(office.tabs[0], "while it was away")
    office.texts.append("while it was away")
    for tab in office.tabs:
        expect(tab.locator("#connection-banner")).to_be_visible()
        expect(message(tab, "while it was away", "pending")).to_be_visible()
    with Launched(tmp_path / "data", "--port", str(port), **FAST) as again:
        again.ready()
        for tab in office.tabs:
            expect(tab.locator("#connection-banner")).to_be_hidden(timeout=2 * PATIENCE)
        office.shows()
        office.hears("after")
        assert [said["text"] for said in office.bob.history(office.talk)] == office.texts
        for tab in office.tabs:
            tab.close()
        again.stop()
