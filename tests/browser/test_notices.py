"""Who does not look is called: by a notification, and by the tab's title and icon."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_many_tabs import Office
from tests.browser.test_two_tabs import friend, message
from tests.client import until
from tests.workers.launched import Launched

# The browser's own notifications, and a list of them to look at.
LISTEN = """
  globalThis.called = [];
  globalThis.sounded = [];
  globalThis.OscillatorNode = class extends OscillatorNode {
    start(at) {
      super.start(at);
      sounded.push(this.context.state);
    }
  };
  globalThis.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      called.push([title, options.body]);
    }
  };
"""
SWITCH_ON = "localStorage.setItem('webchat.notify', JSON.stringify({ notifications: true, sound: true }))"


@pytest.fixture
def office(desk: Desk, demo_node: Launched) -> Office:
    desk.context.grant_permissions(["notifications"])
    desk.context.add_init_script(LISTEN)
    made = Office(desk, demo_node, tabs=2)
    made.tabs[0].evaluate(SWITCH_ON)
    return made


def called(tab: Page) -> list[Any]:
    return list(tab.evaluate("called"))


def to_the_list(tab: Page) -> None:
    tab.evaluate("location.hash = '#/'")
    expect(tab.get_by_text("Choose a chat")).to_be_visible()


def test_the_leader_calls_when_nobody_looks(office: Office) -> None:
    leader = office.leader()
    (other,) = (tab for tab in office.tabs if tab is not leader)
    for tab in office.tabs:
        to_the_list(tab)
    office.bob.send(office.talk, "are you there?")
    until("somebody is called", lambda: called(leader))
    assert called(leader) == [[office.bob.name, "are you there?"]]
    until("it sounds", lambda: leader.evaluate("sounded") == ["running"] * 2)
    assert other.evaluate("sounded") == []
    for tab in office.tabs:
        expect(tab).to_have_title("(1) Webchat")
        expect(tab.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/png;"))
    # The other tab has it in view now: nobody need be called.
    other.bring_to_front()
    friend(other, office.bob.name).click()
    expect(leader).to_have_title("Webchat")
    expect(leader.locator("link[rel=icon]")).to_have_attribute("href", re.compile("favicon.svg$"))
    office.bob.send(office.talk, "good")
    expect(message(other, "good", "received")).to_be_visible()
    to_the_list(other)
    office.bob.send(office.talk, "still there?")
    until("somebody is called", lambda: len(called(leader)) > 1)
    assert called(leader)[1:] == [[office.bob.name, "still there?"]]
    assert called(other) == []


def test_who_has_switched_it_off_is_not_called(office: Office) -> None:
    leader = office.leader()
    leader.evaluate("localStorage.setItem('webchat.notify', JSON.stringify({ notifications: false, sound: false }))")
    for tab in office.tabs:
        to_the_list(tab)
    office.bob.send(office.talk, "quiet")
    expect(leader).to_have_title("(1) Webchat")
    leader.evaluate(SWITCH_ON)
    office.bob.send(office.talk, "loud")
    until("somebody is called", lambda: called(leader))
    assert called(leader) in ([[office.bob.name, "loud"]], [[office.bob.name, "quiet"], [office.bob.name, "loud"]])


def test_a_quiet_conversation_calls_nobody(office: Office) -> None:
    leader = office.leader()
    for tab in office.tabs:
        to_the_list(tab)
    settings = f"/api/conversations/{office.talk}/settings"
    office.ada.ok("PUT", settings, {"muted": True})
    office.bob.send(office.talk, "quiet")
    expect(friend(leader, office.bob.name).locator(".badge.muted")).to_contain_text("1")
    expect(leader).to_have_title("Webchat")
    # To be named is another thing.
    office.bob.send(office.talk, f"@{office.ada.name}, look")
    for tab in office.tabs:
        expect(tab).to_have_title("(1) Webchat")
    office.ada.ok("PUT", settings, {"muted": False})
    expect(leader).to_have_title("(2) Webchat")
    office.bob.send(office.talk, "loud")
    until("somebody is called", lambda: called(leader))
    assert called(leader) == [[office.bob.name, "loud"]]
