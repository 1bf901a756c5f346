"""English and 简体中文: every text is in the catalogues, and the browser or the user chooses."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk, log_in
from tests.browser.test_two_tabs import INDIFFERENT, LIGER, PASSWORD, composer, friend
from tests.workers.launched import ROOT, Launched

STATIC = ROOT / "static"
KEYS = set(re.findall(r'^  "([a-z_.]+)":', (STATIC / "js" / "lang" / "en.js").read_text(), re.MULTILINE))
SOURCES = {
    path.relative_to(STATIC).as_posix(): path.read_text()
    for path in [STATIC / "index.html", *STATIC.rglob("*.js")]
    if path.parent.name != "lang"
}


# The codes of refusals that no person meets: of calls that the client does not make, or not so.
FOR_PROGRAMS = {
    *("bad_body", "bad_client_id", "bad_cursor", "bad_device", "bad_emoji", "bad_json", "bad_number", "bad_page"),
    *("bad_range", "bad_reason", "bad_receipts", "bad_recipient", "bad_slot", "bad_timeout", "csrf_header_missing"),
    *("deleted", "error", "method_not_allowed", "not_a_group", "setup", "too_many_polls"),
    "wrong_media_type",
}


def test_every_refusal_that_a_person_may_meet_has_words() -> None:
    """`webchat/errors.py` gives each class a code, and whoever raises one may give a narrower."""
    code = re.compile(r'\bcode\s*=\s*"([a-z_]+)"|fill\(resp, \d+, "([a-z_]+)"|\d{3}: "([a-z]+_?[a-z_]+)"')
    server = "".join(path.read_text() for path in (ROOT / "webchat").rglob("*.py"))
    codes = {"".join(found) for found in code.findall(server)}
    assert {"wrong_password", "not_said", "internal", "no_such_call"} <= codes, "they are found"
    assert codes >= FOR_PROGRAMS
    assert {one for one in codes - FOR_PROGRAMS if f"problem.{one}" not in KEYS} == set()


@pytest.mark.parametrize("file", SOURCES)
def test_every_key_that_is_used_exists(file: str) -> None:
    groups = "|".join(sorted({key.split(".")[0] for key in KEYS}))
    used = set(re.findall(rf'"((?:{groups})\.[a-z_.]+)"', SOURCES[file]))
    assert {key for key in used - KEYS if not key.endswith(".js")} == set()


def test_every_key_is_used() -> None:
    texts = "".join(SOURCES.values())
    # A family of keys is made from what it is about: `role.${role}`.
    families = tuple(f"{name}." for name in re.findall(r"`([a-z_.]+)\.\$\{", texts))
    assert {key for key in KEYS if f'"{key}"' not in texts and not key.startswith(families)} == set()


def test_no_text_stands_in_the_page_itself() -> None:
    templates = re.findall(r"<template.*?</template>", SOURCES["index.html"], re.DOTALL)
    assert templates
    for template in templates:
        assert re.findall(r">[^<>]*\w[^<>]*<|(?:aria-label|title|placeholder)=", template) == []


def test_the_browser_chooses_and_the_user_before_it(browser: Browser, demo_node: Launched) -> None:
    with browser.new_context(locale="zh-CN") as context:
        desk = Desk(context, f"http://127.0.0.1:{demo_node.port}")
        page = desk.tab()
        expect(page.get_by_role("heading", name="登录")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        assert [url for url in page.evaluate(LOADED) if "/lang/" in url] == [f"{desk.address}/static/js/lang/zh.js"]
        page.evaluate("import('/static/js/i18n.js').then(({ chooseLanguage }) => { chooseLanguage('en'); })")
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        log_in(page, LIGER, PASSWORD)
        page.evaluate("import('/static/js/i18n.js').then(({ chooseLanguage }) => { chooseLanguage('zh'); })")
        friend(page, INDIFFERENT).click()
        page.get_by_role("textbox", name=f"发给 {INDIFFERENT} 的消息").fill("你好")
        page.keyboard.press("Enter")
        expect(page.locator(".day").last).to_have_text("今天")
        assert desk.complaints == []


LOADED = "performance.getEntriesByType('resource').map(({ name }) => name)"


def test_the_first_paint_is_small_and_from_here(desk: Desk) -> None:
    """After the log-in the list comes first; what shows a chat follows, or comes with it where one is open."""
    page = desk.logged_in(LIGER, PASSWORD)
    friend(page, INDIFFERENT).click()
    expect(composer(page)).to_be_visible()
    assert {url.split("/")[2] for url in page.evaluate(LOADED)} == {desk.address.split("/")[2]}
    assert 20 * 1024 < loaded(desk, "/#/", hold="**/views/chat.js") < 92 * 1024
    assert loaded(desk, f"/#/chat/{INDIFFERENT}") < 100 * 1024


def loaded(desk: Desk, address: str, hold: str = "") -> int:
    """What a page takes from the server until it stands there, with an empty cache; nothing of what is on `hold`."""
    page = desk.context.new_page()
    sizes: list[int] = []
    network = desk.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    if hold:
        page.route(hold, lambda _: None)
    page.goto(desk.address + address)
    expect(friend(page, INDIFFERENT)).to_be_visible()
    if not hold:
        expect(composer(page)).to_be_visible()
    page.close()
    return sum(sizes)
