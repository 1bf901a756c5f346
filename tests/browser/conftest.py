"""A real Chromium against real nodes. Without one these tests are skipped, by name and with the remedy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.balancer import Balancer
from tests.conftest import FAST
from tests.workers.launched import ROOT, Launched

NAMES = ("chromium", "chromium-browser", "google-chrome")
PLAIN_HOST = "chat.example"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # Plain http on another host than localhost: what needs https (Web Locks for one) does not exist there.
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
]
PATIENCE = 15_000  # ms; things take tenths of a second, on a machine that has other things to do more


def chromium() -> str | None:
    return os.environ.get("WEBCHAT_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if chromium() is None:
                item.add_marker(
                    pytest.mark.skip(reason="no Chromium: `apt install chromium`, or WEBCHAT_TEST_CHROMIUM")
                )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield made
        made.close()


@pytest.fixture(scope="session")
def demo_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A node as a first `./chat serve` starts it, on its default data folder: in a copy of the project.

    The demo accounts exist nowhere else, and a test must not touch the folder of the one who runs it. A second node
    stands beside it; `port` is that of a balancer, which sends every connection to either of them.
    """
    project = tmp_path_factory.mktemp("project")
    for part in ("webchat", "workers", "deploy", "static"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))

    class LaunchedCopy(Launched):
        root = project

    class Balanced(LaunchedCopy):
        balancer: Balancer

        @property
        def port(self) -> int:
            return self.balancer.port

    settings = FAST | {"poll_hold": "25"}
    with Balanced(project / "data", **settings) as node, LaunchedCopy(project / "data", **settings) as second:
        node.ready()
        node.balancer = Balancer(Launched.port.fget(node), second.ready().port)  # type: ignore[attr-defined]
        yield node
        node.balancer.close()
        second.stop()
        node.stop()


class Desk:
    """One browser, as a person has it in front of them: tabs that share their cookies.

    Whatever the pages complain of is kept, and must in the end be nothing.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def tab(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        # Reported by the page itself: a blocked resource need not show on the console.
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " e => console.error('CSP:', e.violatedDirective, e.blockedURI))"
        )
        self._keep_drawing(page)
        page.goto(self.address + path)
        return page

    def _keep_drawing(self, page: Page) -> None:
        """A tab behind another one draws a frame a second, and each act on it waits for two: film it, and it draws."""
        film = {"format": "jpeg", "quality": 1, "maxWidth": 16, "maxHeight": 16}
        self.context.new_cdp_session(page).send("Page.startScreencast", film)

    def login_page(self) -> Page:
        page = self.tab()
        to_login(page)
        return page

    def logged_in(self, name: str, password: str) -> Page:
        page = self.tab()
        log_in(page, name, password)
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        # What the browser says of its own accord about failed requests is not the client's doing; a test
        # that provokes such failures names them.
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.complaints.append(message.text)


def to_login(page: Page) -> None:
    """To the login form, from the account that is in use in this browser."""
    account = page.get_by_role("button", name="Your account")
    account.or_(page.get_by_label("Password")).wait_for()
    if account.is_visible():
        choose(page, "Use another account")


def choose(page: Page, item: str) -> None:
    """An item of the menu of oneself."""
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name=item).click()


def log_in(page: Page, name: str, password: str) -> None:
    """In a tab that shows the login form, or the account that is in use in this browser."""
    to_login(page)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


@pytest.fixture
def desk(browser: Browser, demo_node: Launched) -> Iterator[Desk]:
    with browser.new_context() as context:
        made = Desk(context, f"http://127.0.0.1:{demo_node.port}")
        yield made
        assert made.complaints == []
