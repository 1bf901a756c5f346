"""People on the screen: notes, profiles, blocks; and one's own settings, sessions, password and account."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.company import Company, bubble, choose_of
from tests.browser.conftest import Desk, choose, log_in
from tests.browser.test_two_tabs import composer, friend
from tests.client import PASSWORD, Client, until
from tests.web.pictures import picture
from tests.workers.launched import Launched


@pytest.fixture
def company(desk: Desk, demo_node: Launched) -> Company:
    return Company(desk, demo_node.port)


def settings(page: Page, item: str) -> None:
    choose(page, "Settings")
    page.get_by_role("dialog").get_by_role("button", name=item).click()


def test_a_question_with_a_note_is_read_before_it_is_answered(company: Company) -> None:
    stranger = Client(company.bob.nodes).register()
    stranger.ok("POST", "/api/friends", {"name": company.ada.name, "note": "from the climbing hall"})
    page = company.page()
    expect(page.locator(".person", has_text=stranger.name)).to_contain_text("“from the climbing hall”")
    page.get_by_role("button", name=f"Accept {stranger.name}").click()
    expect(friend(page, stranger.name)).to_be_visible()


def test_how_one_presents_oneself_is_seen_by_friends(company: Company, tmp_path: Path) -> None:
    face = tmp_path / "me.png"
    face.write_bytes(picture("PNG", (300, 300)))
    page = company.page()
    choose(page, "Profile")
    dialog = page.get_by_role("dialog", name="Profile")
    dialog.locator('input[type="file"]').set_input_files(face)
    expect(dialog.locator(".avatar img")).to_be_visible()
    dialog.get_by_label("Display name").fill("Ada Lovelace")
    dialog.get_by_label("Status").fill("at the engine")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Ada Lovelace", exact=True)).to_be_visible()
    seen = company.bob.ok("GET", f"/api/users/{company.ada.name}")["user"]
    assert (seen["display_name"], seen["status"], bool(seen["avatar"])) == ("Ada Lovelace", "at the engine", True)
    company.bob.ok("PATCH", "/api/me", {"display_name": "Bob the Builder"})
    expect(page.locator(".friend", has_text="Bob the Builder")).to_be_visible()


def test_who_is_blocked_is_out_and_can_be_let_in_again(company: Company) -> None:
    page = company.page(company.bob.name)
    choose_of(page, "Block")
    page.get_by_role("dialog").get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_text(f"You have blocked {company.bob.name}.")).to_be_visible()
    expect(composer(page)).to_be_hidden()
    settings(page, "Blocked people")
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_text("You have not blocked anybody.")).to_be_visible()


def test_a_switch_is_kept_and_what_is_refused_is_not(company: Company) -> None:
    page = company.page()
    choose(page, "Settings")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("switch", name="Invisible").check()
    until("it is kept", lambda: company.ada.ok("GET", "/api/me")["me"].get("invisible"))
    dialog.get_by_role("switch", name="Read receipts").uncheck()
    until("it is kept", lambda: company.ada.ok("GET", "/api/me")["me"].get("hide_receipts"))


def test_the_colours_are_the_persons_choice_and_stay(company: Company) -> None:
    page = company.page()
    choose(page, "Settings")
    page.get_by_text("Dark", exact=True).click()
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(background) == dark
    choose(page, "Settings")
    page.get_by_text("Light", exact=True).click()
    assert page.evaluate(background) != dark


def test_other_sessions_are_seen_and_ended(company: Company) -> None:
    page = company.page()
    choose(page, "Devices and sessions")
    rows = page.get_by_role("dialog").locator(".rows > li")
    expect(rows).to_have_count(2)  # this one, and the program's token
    rows.get_by_role("button", name="Log out").click()
    expect(rows).to_have_count(1)
    until("the program is out", lambda: company.ada.call("GET", "/api/me").status == 401)


def test_a_new_password_is_asked_for_the_old_one(company: Company) -> None:
    company.desk.expected = ["403", "401"]
    page = company.page()
    settings(page, "Change password")
    dialog = page.get_by_role("dialog", name="Change password")
    dialog.get_by_label("Present password").fill("not mine")
    dialog.get_by_label("New password").fill("a better horse")
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_label("Present password")).to_have_accessible_description("This is not your password.")
    dialog.get_by_label("Present password").fill(PASSWORD)
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog).to_have_count(0)
    company.ada.log_in("a better horse")


def test_ones_data_is_downloaded(company: Company) -> None:
    company.bob.send(company.talk, "for the record")
    page = company.page()
    choose(page, "Settings")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    assert "for the record" in download.value.path().read_text()


def test_the_account_is_deleted_with_the_password_only(company: Company) -> None:
    company.desk.expected = ["403", "401"]
    page, other = company.page(), company.desk.tab()
    friend(other, company.bob.name).wait_for()
    settings(page, "Delete account")
    dialog = page.get_by_role("dialog", name="Delete account")
    dialog.get_by_label("Password").fill("not mine")
    dialog.get_by_role("button", name="Delete for ever").click()
    expect(dialog.get_by_label("Password")).to_have_accessible_description("This is not your password.")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Delete for ever").click()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name="Log in")).to_be_visible()
        expect(tab.locator(".notice")).to_have_text(re.compile("^Your account is deleted."))
        expect(tab.get_by_label("Name")).to_have_value("")
    assert company.ada.call("GET", "/api/me").status == 401


def test_a_friend_who_is_gone_for_good_is_not_asked_again(company: Company) -> None:
    page = company.page(company.bob.name)
    company.bob.ok("DELETE", "/api/me", {"password": PASSWORD})
    gone = page.get_by_text(f"The account of {company.bob.name} is no longer there, so this chat is closed.")
    expect(gone).to_be_visible()
    expect(page.get_by_role("button", name="Ask again")).to_be_hidden()
    choose_of(page, "View profile")
    expect(page.get_by_role("dialog").get_by_text("This account is no longer there.")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Ask to be friends")).to_have_count(0)


def test_a_log_in_to_an_account_that_is_open_leaves_one_session_and_no_tab_behind(company: Company) -> None:
    company.desk.expected = ["401"]  # the poll of the session that ends
    page, other = company.page(), company.desk.tab()
    friend(other, company.bob.name).click()
    log_in(page, company.ada.name, PASSWORD)
    sessions = company.ada.ok("GET", "/api/me/sessions")["sessions"]
    assert len(sessions) == 2, "the browser's, and the program's token"
    company.bob.send(company.talk, "still there?")
    expect(bubble(other, "still there?")).to_be_visible()
    expect(friend(page, company.bob.name)).to_contain_text("still there?")


def test_who_is_alone_is_told_how_to_begin(company: Company) -> None:
    page = company.desk.logged_in(company.dora.name, PASSWORD)
    expect(page.get_by_role("heading", name=f"Welcome, {company.dora.name}")).to_be_visible()
    expect(page.get_by_text("Choose a chat")).to_have_count(0)
    page.get_by_role("button", name="Find people").locator("visible=true").click()
    expect(page.get_by_label("Search people and messages")).to_be_focused()
    company.bob.ok("POST", "/api/friends", {"name": company.dora.name})
    expect(page.get_by_text("Once a request is accepted, you can chat here.")).to_be_visible()


def test_the_settings_stay_open_when_the_language_changes(company: Company) -> None:
    page = company.page()
    choose(page, "Settings")
    page.get_by_text("简体中文", exact=True).click()
    dialog = page.get_by_role("dialog", name="设置")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("简体中文", exact=True)).to_be_focused()
    dialog.get_by_text("English", exact=True).click()
    expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
    page.reload()
    friend(page, company.bob.name).wait_for()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_one_browser_holds_several_accounts_and_switches_between_them(company: Company) -> None:
    page = company.page()
    log_in(page, company.cleo.name, PASSWORD)
    choose(page, f"Switch to {company.ada.name}")
    expect(page.get_by_role("heading", name=company.ada.name, exact=True)).to_be_visible()


def test_the_keys_are_told_and_work(company: Company) -> None:
    page = company.page()
    friend(page, company.bob.name).wait_for()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search people and messages")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator(".chat .bar").get_by_role("heading")).to_be_visible()
