"""5,000 messages in one conversation: few of them are in the document, and what one reads stays in its place."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_two_tabs import friend, message, say
from tests.client import PASSWORD, Client, until
from tests.workers.launched import Launched

pytestmark = pytest.mark.timeout(300)  # s; to say 5,000 things takes a while

COUNT = 5_000
ROWS_MAX = 250  # what is drawn at once, at most, in a view of some 700 px
SCROLLER = "document.querySelector('.scroller')"
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
PAGES = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/messages?')).length"
UP = f"""async () => {{
  {SCROLLER}.scrollTop -= 3000;
  await {FRAMES};
  const at_top = {SCROLLER}.scrollTop === 0 && document.querySelector('.thread-note').hidden;
  return [document.querySelectorAll('.messages > *').length, at_top];
}}"""
# The text of the first message in view, and where its upper edge is.
FIRST_IN_VIEW = """() => {
  const top = document.querySelector('.scroller').getBoundingClientRect().top;
  for (const one of document.querySelectorAll('.message')) {
    const box = one.getBoundingClientRect();
    if (box.bottom > top) return [one.querySelector('.text').textContent, Math.round(box.top - top)];
  }
}"""


@pytest.fixture(scope="module")
def long_talk(demo_node: Launched) -> tuple[Client, Client, int]:
    """Texts of different length, so that no height can be known before."""
    nodes = [("127.0.0.1", demo_node.port)]
    ada, bob = Client(nodes).register(), Client(nodes).register()
    talk = ada.befriend(bob)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: (ada, bob)[at % 2].send(talk, f"message {at} " + "words " * (at % 50)), range(COUNT)))
    assert bob.state()["conversations"][0]["last_number"] == COUNT
    bob.ok("PUT", f"/api/conversations/{talk}/read", {"number": COUNT})
    return ada, bob, talk


@pytest.fixture
def page(desk: Desk, long_talk: tuple[Client, Client, int]) -> Page:
    made = desk.logged_in(long_talk[1].name, PASSWORD)
    friend(made, long_talk[0].name).click()
    expect(made.locator(".message").first).to_be_attached()
    return made


def rows(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('.messages > *').length"))


def to_the_beginning(page: Page) -> None:
    """Wheel after wheel, as a person would."""

    def up() -> bool:
        drawn, at_top = page.evaluate(UP)
        assert drawn <= ROWS_MAX
        return bool(at_top)

    until("the first message is in view", up, 90)


def test_all_of_it_can_be_scrolled_through_with_few_rows_at_a_time(page: Page) -> None:
    assert rows(page) <= ROWS_MAX
    to_the_beginning(page)
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').filter(({name}) => name.includes('/messages')).length"
    )
    assert loaded >= COUNT / 100
    # Frames go on while one scrolls through what is loaded. The middle one: others may use the machine as well.
    frames = page.evaluate(
        """async () => {
          const element = document.querySelector('.scroller');
          const frames = [];
          for (let before = performance.now(); frames.length < 120; ) {
            element.scrollTop += 700;
            await new Promise(requestAnimationFrame);
            frames.push(performance.now() - before);
            before = performance.now();
          }
          return frames;
        }"""
    )
    assert statistics.median(frames) < 100, frames
    assert rows(page) <= ROWS_MAX
    # Thrown by the scroll bar, one lands where nothing was drawn.
    page.evaluate(f"{SCROLLER}.scrollTop = {SCROLLER}.scrollHeight / 2")
    until("something is drawn there", lambda: page.evaluate(FIRST_IN_VIEW))
    page.get_by_role("button", name="Jump to the newest message").click()
    say(page, "the end")
    expect(message(page, "the end", "sent")).to_be_in_viewport()


def test_what_one_reads_stays_in_place(page: Page, long_talk: tuple[Client, Client, int]) -> None:
    ada, _, talk = long_talk
    for _ in range(6):
        page.evaluate(f"{SCROLLER}.scrollTop -= 1500")
        page.evaluate(FRAMES)
    before = page.evaluate(FIRST_IN_VIEW)
    for turn in range(3):
        ada.send(talk, f"said meanwhile {turn}")
    expect(page.get_by_role("button", name="Jump to the newest message")).to_contain_text("3")
    text, top = page.evaluate(FIRST_IN_VIEW)
    assert (text, abs(top - before[1]) <= 1) == (before[0], True)  # rounded
    # One goes up by a little, until older pages come; nothing else moves.
    pages = page.evaluate(PAGES)
    while page.evaluate(PAGES) == pages:
        text, top = page.evaluate(FIRST_IN_VIEW)
        page.evaluate(f"{SCROLLER}.scrollTop -= 40")
        page.evaluate(FRAMES)
        moved_text, moved_top = page.evaluate(FIRST_IN_VIEW)
        assert moved_text != text or abs(moved_top - (top + 40)) <= 1  # rounded


JUMP = """async ([me, talk, message]) => {
  const load = (name) => import(`/static/js/${name}.js`);
  const [{ Api }, { Store }, { History }] = await Promise.all(["api", "store", "history"].map(load));
  const api = new Api(JSON.parse(sessionStorage.getItem("webchat.slot")));
  const store = new Store(me);
  store.applySnapshot(await api.state());
  const history = new History({ api, store });
  const seen = () => {
    const { messages, more, newer } = store.state.threads.get(talk);
    return [messages[0].number, messages.at(-1).number, messages.length, more, newer];
  };
  await history.ensure(talk);
  await history.around(talk, message);
  const jumped = seen();
  await history.older(talk);
  const pages = [];
  while (store.state.threads.get(talk).newer && pages.push(seen()) < 100) await history.newer(talk);
  return { jumped, end: seen() };
}"""


def test_one_may_jump_back_and_go_on_from_there_to_the_end(page: Page, long_talk: tuple[Client, Client, int]) -> None:
    ada, bob, talk = long_talk
    last = bob.state()["conversations"][0]["last_number"]
    (old,) = ada.ok("GET", f"/api/search?query=2500&conversation={talk}&limit=1")["messages"]
    seen = page.evaluate(JUMP, [bob.name, talk, old["id"]])
    first, end, count, more, newer = seen["jumped"]
    assert first <= old["number"] <= end < last
    assert (count, more, newer) == (end - first + 1, True, True)
    first, end, count, _, newer = seen["end"]
    assert first < old["number"]
    assert (end, count, newer) == (last, last - first + 1, False)
