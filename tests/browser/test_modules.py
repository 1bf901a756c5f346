"""The pure modules of the client, each by a module of tests beside it in `modules/`, run in Chromium.

A test is an exported function: it returns, or throws what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.workers.launched import ROOT

MODULES = Path(__file__).parent / "modules"
ORIGIN = "http://modules.test"
CASES = [
    (module.name, name)
    for module in sorted(MODULES.glob("*.js"))
    if module.name != "assert.js"
    for name in re.findall(r"^export (?:async )?function (\w+)", module.read_text(), re.MULTILINE)
]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that gets the client's files and the tests' from the disk: no server has a part in this."""

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/":
            route.fulfill(content_type="text/html", body="<!doctype html>")
        else:
            route.fulfill(
                path=ROOT / "static" / path.removeprefix("/static/") if "/static/" in path else MODULES / path[1:]
            )

    with browser.new_context(service_workers="block") as context:
        made = context.new_page()
        made.route(f"{ORIGIN}/**", serve)
        made.goto(f"{ORIGIN}/")
        yield made


@pytest.mark.parametrize(("module", "name"), CASES)
def test_module(page: Page, module: str, name: str) -> None:
    page.evaluate("async ([module, name]) => { await (await import(module))[name](); }", [f"/{module}", name])
