"""From a new account to a first message, and to the end of a friendship, with nothing but the mouse."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_two_tabs import composer, friend, message, say

PASSWORD = "correct horse"


@pytest.fixture
def names() -> tuple[str, str]:
    return f"Ada-{secrets.token_hex(3)}", f"bob-{secrets.token_hex(3)}"


def register(desk: Desk, name: str) -> Page:
    page = desk.login_page()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    return page


def ask(page: Page, name: str, note: str = "") -> None:
    page.get_by_label("Search people and messages").fill(name)
    page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Ask").click()
    page.get_by_label("A few words").fill(note)
    page.get_by_role("button", name="Send request").click()


def befriend(asker: Page, accepter: Page, name: str) -> None:
    ask(asker, name)
    accepter.get_by_role("button", name="Accept").click()


def test_register_ask_accept_and_chat(desk: Desk, names: tuple[str, str]) -> None:
    ada, bob = register(desk, names[0]), register(desk, names[1])
    befriend(ada, bob, names[1])
    ada.get_by_label("Clear search").click()
    expect(friend(ada, names[1]).locator('[data-online="true"]')).to_be_attached()
    friend(ada, names[1]).dblclick()
    say(ada, "hello, bob")
    expect(message(ada, "hello, bob", "sent")).to_be_visible()
    expect(friend(bob, names[0])).to_contain_text("hello, bob")
    expect(friend(bob, names[0])).to_contain_text("1")  # unread
    assert bob.title().startswith("(1)")
    friend(bob, names[0]).click()
    expect(message(bob, "hello, bob", "received")).to_be_visible()
    expect(bob).to_have_title("Webchat")


def test_a_name_that_is_taken_is_said_at_the_name(desk: Desk, names: tuple[str, str]) -> None:
    desk.expected = ["409"]
    register(desk, names[0])
    page = desk.login_page()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill(names[0].lower())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("taken")).to_be_visible()


def test_a_request_can_be_declined_and_withdrawn(desk: Desk, names: tuple[str, str]) -> None:
    ada, bob = register(desk, names[0]), register(desk, names[1])
    for remedy in ("Decline", "Withdraw"):
        ask(ada, names[1])
        ada.get_by_label("Clear search").click()
        expect(bob.get_by_role("heading", name="Friend requests")).to_be_visible()
        expect(ada.get_by_role("heading", name="Waiting for an answer")).to_be_visible()
        (bob if remedy == "Decline" else ada).get_by_role("button", name=remedy).click()
        expect(bob.get_by_role("heading", name="Friend requests")).to_be_hidden()
        expect(ada.get_by_role("heading", name="Waiting for an answer")).to_be_hidden()


def test_after_the_end_of_a_friendship_what_was_said_can_be_read_and_nothing_sent(
    desk: Desk, names: tuple[str, str]
) -> None:
    ada, bob = register(desk, names[0]), register(desk, names[1])
    befriend(ada, bob, names[1])
    ada.get_by_label("Clear search").click()
    friend(ada, names[1]).click()
    say(ada, "the last word")
    friend(bob, names[0]).click()
    expect(message(bob, "the last word", "received")).to_be_visible()
    ada.get_by_role("button", name="Menu").click()
    ada.get_by_role("menuitem", name="End friendship").click()
    ada.get_by_role("dialog").get_by_role("button", name="End friendship").click()
    for page in (ada, bob):
        expect(composer(page)).to_be_hidden()
        expect(page.locator("[data-client-id]", has_text="the last word")).to_be_visible()
