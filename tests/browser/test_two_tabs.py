"""The demo of the first start: two tabs of one browser, two people, one chat."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Desk, choose, log_in
from tests.client import PASSWORD as CLIENT_PASSWORD
from tests.client import Client
from tests.workers.launched import Launched

LIGER, INDIFFERENT = "liger_zql", "indifferent"
PASSWORD = "12345"
OWN = ("alpha", "bravo", "charlie", "delta", "echo")


def friend(page: Page, name: str) -> Locator:
    return page.locator(f'.friend[data-name="{name}"]')


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Message"))


def say(page: Page, text: str) -> None:
    composer(page).fill(text)
    page.keyboard.press("Enter")


def message(page: Page, text: str, state: str) -> Locator:
    return page.locator(f'[data-client-id][data-state="{state}"]', has_text=text)


def test_two_tabs_chat_with_each_other(desk: Desk) -> None:
    liger = desk.logged_in(LIGER, PASSWORD)
    indifferent = desk.logged_in(INDIFFERENT, PASSWORD)
    expect(friend(liger, INDIFFERENT).locator('[data-online="true"]')).to_be_attached()
    expect(friend(indifferent, LIGER).locator('[data-online="true"]')).to_be_attached()

    cookies = {cookie["name"]: cookie for cookie in desk.context.cookies()}
    assert len(cookies) == 2, "two sessions in one browser"
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in cookies.values())
    assert liger.evaluate("document.cookie") == ""

    friend(liger, INDIFFERENT).dblclick()
    friend(indifferent, LIGER).dblclick()
    for turn in range(3):
        say(liger, f"question {turn}")
        expect(message(liger, f"question {turn}", "sent")).to_be_visible()
        expect(message(indifferent, f"question {turn}", "received")).to_be_visible()
        say(indifferent, f"answer {turn}")
        expect(message(indifferent, f"answer {turn}", "sent")).to_be_visible()
        expect(message(liger, f"answer {turn}", "received")).to_be_visible()
    for page in (liger, indifferent):
        shown = page.locator("[data-client-id] .text").all_inner_texts()
        assert shown[-6:] == [f"{kind} {turn}" for turn in range(3) for kind in ("question", "answer")]


def test_what_a_page_sends_does_not_end_its_own_poll_and_is_told_to_the_other_tab(
    desk: Desk, demo_node: Launched
) -> None:
    """Two tabs of one account; what comes with the answer to a send and what comes by the feed make one thread."""
    nodes = [("127.0.0.1", demo_node.port)]
    ada, bob = Client(nodes).register(), Client(nodes).register()
    talk = ada.befriend(bob)
    polls: list[str] = []
    desk.context.on("request", lambda request: polls.append(request.url) if "/api/events" in request.url else None)
    one, other = desk.logged_in(ada.name, CLIENT_PASSWORD), desk.tab()
    texts = ["first", *OWN, "reply", "end"]
    bob.send(talk, texts[0])  # a poll of the page's own is parked, or will be
    friend(one, bob.name).click()
    expect(message(one, texts[0], "received")).to_be_visible()
    expect(friend(other, bob.name)).to_contain_text(texts[0])
    before = len(polls)
    for text in OWN:
        say(one, text)
        expect(message(one, text, "sent")).to_be_visible()
    assert len(polls) - before <= 1, "at most the one that a friend's coming or going ended"
    assert len({re.findall(r"device=([0-9a-f]{32})", url)[0] for url in polls}) == 1
    expect(friend(other, bob.name)).to_contain_text(f"You: {OWN[-1]}")
    expect(friend(other, bob.name).locator(".badge")).to_be_hidden()
    bob.send(talk, "reply")
    expect(message(one, "reply", "received")).to_be_visible()
    friend(other, bob.name).click()
    one.reload()
    expect(one).to_have_title("Webchat")  # nothing unread
    friend(one, bob.name).click()
    say(other, "end")
    for page in (one, other):
        expect(page.locator("[data-client-id] .text")).to_have_text(texts)
        expect(page.locator('[data-client-id][data-state="pending"]')).to_have_count(0)
        expect(page).to_have_title("Webchat")


def test_both_stay_logged_in_over_a_reload(desk: Desk) -> None:
    liger = desk.logged_in(LIGER, PASSWORD)
    indifferent = desk.logged_in(INDIFFERENT, PASSWORD)
    for page, name in ((liger, LIGER), (indifferent, INDIFFERENT)):
        page.reload()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    friend(liger, INDIFFERENT).click()
    say(liger, "after the reload")
    friend(indifferent, LIGER).click()
    expect(message(indifferent, "after the reload", "received")).to_be_visible()


def test_a_new_tab_opens_in_the_account_in_use_and_may_take_another(desk: Desk) -> None:
    desk.logged_in(LIGER, PASSWORD).close()
    page, other = desk.tab(), desk.tab()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name=LIGER, exact=True)).to_be_visible()
    log_in(other, INDIFFERENT, PASSWORD)
    expect(page.get_by_role("heading", name=LIGER, exact=True)).to_be_visible()
    expect(desk.tab().get_by_role("heading", name=INDIFFERENT, exact=True)).to_be_visible()  # the latest
    # And back, without a password; a reload remembers it.
    choose(other, "Use another account")
    other.reload()
    expect(other.get_by_label("Password")).to_be_visible()
    other.get_by_role("button", name=LIGER).click()
    expect(other.get_by_role("heading", name=LIGER, exact=True)).to_be_visible()
    assert len(desk.context.cookies()) == 2


def test_logging_out_of_one_tab_leaves_the_other_alone(desk: Desk) -> None:
    liger = desk.logged_in(LIGER, PASSWORD)
    indifferent = desk.logged_in(INDIFFERENT, PASSWORD)
    choose(liger, "Log out")
    expect(liger.get_by_label("Password")).to_be_visible()
    assert len(desk.context.cookies()) == 1
    friend(indifferent, LIGER).click()
    say(indifferent, "you can read this later")
    expect(message(indifferent, "you can read this later", "sent")).to_be_visible()
    log_in(liger, LIGER, PASSWORD)
    friend(liger, INDIFFERENT).click()
    expect(message(liger, "you can read this later", "received")).to_be_visible()


def test_a_wrong_password_is_said_where_it_was_typed(desk: Desk) -> None:
    desk.expected = ["401"]
    page = desk.tab()
    page.get_by_label("Name").fill(LIGER)
    page.get_by_label("Password").fill("123456")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("wrong", exact=False)).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value(LIGER)


def test_markup_is_text(desk: Desk) -> None:
    liger = desk.logged_in(LIGER, PASSWORD)
    friend(liger, INDIFFERENT).click()
    text = "<img src=x onerror=alert(1)><script>alert(2)</script> & <b>bold</b>"
    say(liger, text)
    expect(message(liger, text, "sent")).to_be_visible()
    assert liger.locator(".message img, .message script, .message b").count() == 0
