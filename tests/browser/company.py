"""Ada at a browser; bob and cleo as programs, her friends; dora, whom she does not know."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Self

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_two_tabs import friend
from tests.client import PASSWORD, Client


class Company:
    def __init__(self, desk: Desk, port: int) -> None:
        nodes = [("127.0.0.1", port)]
        self.desk = desk
        self.ada, self.bob, self.cleo = (Client(nodes).register() for _ in range(3))
        self.talk = self.ada.befriend(self.bob)
        self.ada.befriend(self.cleo)

    def at(self, desk: Desk) -> Self:
        """The same people, at another desk."""
        made = copy(self)
        made.desk = desk
        return made

    @cached_property
    def dora(self) -> Client:
        return Client(self.ada.nodes).register()

    def page(self, at: str = "") -> Page:
        """Ada's browser; with a name, in the chat with that friend."""
        page = self.desk.logged_in(self.ada.name, PASSWORD)
        if at:
            friend(page, at).click()
        return page

    def group(self, name: str = "Trip", *more: Client) -> int:
        members = [self.bob.name, self.cleo.name, *(one.name for one in more)]
        made = self.ada.ok("POST", "/api/conversations", {"name": name, "members": members})
        return int(made["conversation"]["id"])


def line(page: Page, conversation: int) -> Locator:
    return page.locator(f'.friend[data-conversation="{conversation}"]')


def bubble(page: Page, text: str) -> Locator:
    return page.locator(".message", has_text=text)


def act(page: Page, text: str, item: str) -> None:
    """Something of a message's menu."""
    bubble(page, text).locator(".bubble").click(button="right")
    page.get_by_role("menuitem", name=item, exact=True).click()


def choose_of(page: Page, item: str) -> None:
    """Something of the open chat's menu."""
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("menuitem", name=item).click()


def toast(page: Page, sentence: str) -> None:
    expect(page.locator("#toast")).to_have_text(sentence)
