"""English and 简体中文: every text is in the catalogues, and the browser or the user chooses."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk, log_in
from tests.browser.test_two_tabs import INDIFFERENT, LIGER, PASSWORD, friend
from tests.workers.launched import ROOT, Launched

STATIC = ROOT / "static"
KEYS = set(re.findall(r'^  "([a-z_.]+)":', (STATIC / "js" / "lang" / "en.js").read_text(), re.MULTILINE))
SOURCES = {
    path.relative_to(STATIC).as_posix(): path.read_text()
    for path in [STATIC / "index.html", *STATIC.rglob("*.js")]
    if path.parent.name != "lang"
}


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


def test_the_first_paint_is_under_100_kib_and_from_here(desk: Desk) -> None:
    page = desk.logged_in(LIGER, PASSWORD)
    page.reload()
    expect(page.get_by_role("heading", name=LIGER, exact=True)).to_be_visible()
    assert {url.split("/")[2] for url in page.evaluate(LOADED)} == {desk.address.split("/")[2]}
    first = desk.context.new_page()
    sizes: list[int] = []
    cache = desk.context.new_cdp_session(first)
    cache.send("Network.enable")
    cache.send("Network.setCacheDisabled", {"cacheDisabled": True})
    cache.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    first.goto(desk.address)
    expect(first.get_by_role("heading", name=LIGER, exact=True)).to_be_visible()
    assert 20 * 1024 < sum(sizes) < 100 * 1024
