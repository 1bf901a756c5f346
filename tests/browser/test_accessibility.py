"""axe-core looks at every screen, in both themes, on a desk and on a phone; it must find nothing serious."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.company import Company, bubble, choose_of, line
from tests.browser.conftest import Desk, choose, log_in
from tests.browser.test_two_tabs import friend
from tests.client import PASSWORD
from tests.workers.launched import Launched

GRAVE = ("serious", "critical")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"desk": (1280, 800), "phone": (360, 740)}


def the_list(_: Page, __: Company) -> None:
    """What is there after the log-in."""


def a_chat(page: Page, company: Company) -> None:
    friend(page, company.bob.name).click()
    expect(bubble(page, "`code`").or_(bubble(page, "and code")).first).to_be_visible()


def a_menu(page: Page, company: Company) -> None:
    a_chat(page, company)
    bubble(page, "and code").locator(".bubble").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()


def a_group(page: Page, company: Company) -> None:
    line(page, company.group()).click()
    page.get_by_role("button", name="Details of the group").click()
    expect(page.get_by_role("dialog").get_by_text(company.bob.name)).to_be_visible()


def a_person(page: Page, company: Company) -> None:
    a_chat(page, company)
    choose_of(page, "View profile")
    expect(page.get_by_role("dialog")).to_be_visible()


def the_emoji(page: Page, company: Company) -> None:
    a_chat(page, company)
    page.get_by_role("button", name="Emoji").click()
    expect(page.get_by_label("Search emoji")).to_be_visible()


def a_search(page: Page, company: Company) -> None:
    page.get_by_label("Search people and messages").fill("code")
    expect(page.locator("mark")).to_be_visible()


def a_new_group(page: Page, _: Company) -> None:
    page.get_by_role("button", name="New group").click()
    expect(page.get_by_label("Name of the group")).to_be_visible()


def mine(item: str) -> Callable[[Page, Company], None]:
    def show(page: Page, _: Company) -> None:
        choose(page, item)
        expect(page.get_by_role("dialog")).to_be_visible()

    show.__name__ = item
    return show


SCREENS = [
    the_list, a_chat, a_menu, a_group, a_person, the_emoji, a_search, a_new_group,
    *map(mine, ("Profile", "Settings", "Devices and sessions", "Keyboard shortcuts")),
]  # fmt: skip


def grave(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_serious_is_found(browser: Browser, demo_node: Launched, size: str) -> None:
    width, height = SIZES[size]
    # axe itself is a script of another origin, which the page's own policy would refuse.
    with browser.new_context(
        viewport={"width": width, "height": height}, bypass_csp=True, reduced_motion="reduce"
    ) as context:
        desk = Desk(context, f"http://127.0.0.1:{demo_node.port}")
        found: dict[str, list[str]] = {}
        page = desk.login_page()

        def look(screen: str) -> None:
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                found[f"{screen}, {theme}"] = grave(page)

        look("login")
        company = Company(desk, demo_node.port)
        company.bob.send(company.talk, "see https://example.org and code\n```\nx\n```\n`y`")
        company.bob.ok("PUT", f"/api/messages/{company.bob.history(company.talk)[0]['id']}/reactions/%F0%9F%8E%89")
        log_in(page, company.ada.name, PASSWORD)
        for screen in SCREENS:
            page.goto(f"{desk.address}/#/")
            page.reload()
            friend(page, company.bob.name).wait_for()
            screen(page, company)
            look(screen.__name__)
        assert {name: graves for name, graves in found.items() if graves} == {}
        assert desk.complaints == []
