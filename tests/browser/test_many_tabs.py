"""Many tabs of one account: one of them polls for all, and whichever it is may go at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import PATIENCE, PLAIN_HOST, Desk, choose, log_in
from tests.browser.test_two_tabs import friend, message, say
from tests.client import PASSWORD, Client, until
from tests.workers.launched import Launched

TABS = 10
WITHOUT = {
    "as it is": "",
    "without BroadcastChannel": "delete globalThis.BroadcastChannel",
    "without storage": "Storage.prototype.setItem = () => { throw new DOMException('QuotaExceededError'); }",
}


class Polls:
    """Which page has a poll under way."""

    def __init__(self, desk: Desk) -> None:
        self._under_way: list[Request] = []
        self.tabs: set[Page] = set()
        desk.context.on("request", self._began)
        for how in ("requestfinished", "requestfailed"):
            desk.context.on(how, self._ended)

    @property
    def parked(self) -> list[Page]:
        pages = [request.frame.page for request in self._under_way]
        return [page for page in pages if not page.is_closed()]

    def leader(self, page: Page) -> Page:
        """The one page that polls; `page` lends its event loop to the waiting."""

        def only() -> Page | None:
            page.wait_for_timeout(20)
            return self.parked[0] if len(self.parked) == 1 else None

        found = until("one poll is parked", only)
        assert isinstance(found, Page)
        return found

    def _began(self, request: Request) -> None:
        if "/api/events" in request.url:
            self._under_way.append(request)
            self.tabs.add(request.frame.page)

    def _ended(self, request: Request) -> None:
        if request in self._under_way:
            self._under_way.remove(request)


class Office:
    """Ada with tabs of one browser, all in the chat with bob, who is a program."""

    def __init__(self, desk: Desk, node: Launched, tabs: int = 3, shared: bool = True) -> None:
        nodes = [("127.0.0.1", node.port)]
        self.desk = desk
        self.ada, self.bob = Client(nodes).register(), Client(nodes).register()
        self.talk = self.ada.befriend(self.bob)
        self.polls = Polls(desk)
        self.tabs = [desk.logged_in(self.ada.name, PASSWORD)]
        self.texts: list[str] = []
        while len(self.tabs) < tabs:
            self.tabs.append(desk.tab() if shared else desk.logged_in(self.ada.name, PASSWORD))
        for tab in self.tabs:
            friend(tab, self.bob.name).click()

    def leader(self) -> Page:
        return self.polls.leader(self.tabs[0])

    def hears(self, text: str) -> None:
        self.texts.append(text)
        self.bob.send(self.talk, text)
        self.shows()

    def says(self, tab: Page, text: str) -> None:
        self.texts.append(text)
        say(tab, text)
        self.shows()

    def shows(self) -> None:
        """Every tab has everything once, in order, and nothing that waits."""
        for tab in self.tabs:
            expect(tab.locator("[data-client-id] .text")).to_have_text(self.texts)
            expect(tab.locator('[data-client-id][data-state="pending"]')).to_have_count(0)

    def close(self, tab: Page) -> None:
        self.tabs.remove(tab)
        tab.close()


@pytest.fixture
def office(desk: Desk, demo_node: Launched) -> Office:
    return Office(desk, demo_node)


@pytest.fixture(params=WITHOUT)
def plain_desk(browser: Browser, demo_node: Launched, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Plain http on another host, and less and less of a browser."""
    with browser.new_context() as context:
        context.add_init_script(WITHOUT[request.param])
        made = Desk(context, f"http://{PLAIN_HOST}:{demo_node.port}")
        made.expected = ["Cross-Origin-Opener-Policy"]
        yield made
        assert made.complaints == []


def test_ten_tabs_have_one_poll_and_show_the_same(desk: Desk, demo_node: Launched) -> None:
    office = Office(desk, demo_node, TABS)
    leader = office.leader()
    office.hears("to all")
    for turn, tab in enumerate(office.tabs):
        office.says(tab, f"from {turn}")
    office.hears("the end")
    for tab in office.tabs:
        expect(tab).to_have_title("Webchat")  # all read
    assert office.leader() is leader
    assert office.polls.tabs == {leader}, "no other tab has ever polled"


def test_when_the_leader_is_closed_another_leads_within_a_second(office: Office) -> None:
    office.hears("before")
    while len(office.tabs) > 1:
        leader = office.leader()
        office.bob.send(office.talk, "as it goes")
        office.texts.append("as it goes")
        office.close(leader)
        promoted = office.tabs[0].evaluate("performance.now()")
        office.leader()
        assert office.tabs[0].evaluate("performance.now()") - promoted < 1000
        office.shows()
        office.hears("to those who are left")


def test_a_leader_that_reloads_comes_back_as_one_of_the_others(office: Office) -> None:
    leader = office.leader()
    leader.reload()
    office.hears("after the reload")
    assert office.leader() is not leader
    office.says(leader, "still here")


def test_a_frozen_leader_does_not_silence_the_others(office: Office) -> None:
    office.hears("before")
    leader = office.leader()
    others = [tab for tab in office.tabs if tab is not leader]
    debugger = office.desk.context.new_cdp_session(leader)
    debugger.send("Debugger.enable")
    debugger.send("Debugger.pause")  # no timer and no message gets through to the page any more
    office.texts.append("while it is frozen")
    office.bob.send(office.talk, "while it is frozen")
    for tab in others:
        expect(message(tab, "while it is frozen", "received")).to_be_visible(timeout=PATIENCE)
    debugger.send("Debugger.resume")
    office.shows()
    office.hears("after")
    office.says(leader, "awake again")
    until("it follows", lambda: office.leader() is not leader)


def test_without_web_locks_the_tabs_agree_as_well(plain_desk: Desk, demo_node: Launched) -> None:
    alone = (
        plain_desk.tab().evaluate("() => { try { localStorage.setItem('x', '1'); } catch { return true; } }") is True
    )
    office = Office(plain_desk, demo_node, shared=not alone)
    assert office.tabs[0].evaluate("isSecureContext || 'locks' in navigator") is False
    office.hears("before")
    for turn, tab in enumerate(office.tabs):
        office.says(tab, f"from {turn}")
    while len(office.tabs) > 1:
        if not alone:
            assert office.leader() in office.tabs
        office.close(office.polls.parked[0])
        office.hears("to those who are left")
        office.says(office.tabs[0], "and back")


def test_what_a_closed_tab_did_not_send_is_sent_by_another(office: Office) -> None:
    office.desk.expected = ["ERR_"]
    writer = office.tabs[0]
    writer.route("**/api/messages", lambda route: route.abort())
    say(writer, "left behind")
    office.texts.append("left behind")
    for tab in office.tabs:
        expect(message(tab, "left behind", "pending")).to_be_visible()
    office.close(writer)
    office.shows()
    assert [one["text"] for one in office.bob.history(office.talk)] == ["left behind"]


def test_logging_out_is_for_all_tabs_of_the_account(office: Office) -> None:
    office.desk.expected = ["401"]
    choose(office.tabs[0], "Log out")
    for tab in office.tabs:
        expect(tab.get_by_label("Password")).to_be_visible()
    assert office.desk.context.cookies() == []
    log_in(office.tabs[1], office.ada.name, PASSWORD)
    expect(office.tabs[0].get_by_label("Password")).to_be_visible()


def test_what_a_browser_has_got_and_what_was_read_is_told_to_the_sender(office: Office) -> None:
    for tab in office.tabs:
        tab.evaluate("location.hash = '#/'")
    sent = office.bob.send(office.talk, "did you get it?")

    def line() -> Any:
        office.tabs[0].wait_for_timeout(20)
        return office.bob.state()["conversations"][0]

    until("it is delivered", lambda: line().get("delivered") == sent["number"])
    assert line().get("read", 0) < sent["number"]
    friend(office.tabs[1], office.bob.name).click()
    until("it is read", lambda: line().get("read") == sent["number"])
