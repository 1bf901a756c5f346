"""What one can do with messages: answer, edit, delete, react, name somebody, send files, find again."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.company import Company, act, bubble, choose_of, line
from tests.browser.conftest import Desk
from tests.browser.test_two_tabs import composer, friend, message, say
from tests.client import until
from tests.web.pictures import picture
from tests.workers.launched import Launched


@pytest.fixture
def company(desk: Desk, demo_node: Launched) -> Company:
    return Company(desk, demo_node.port)


def test_an_answer_shows_what_it_answers_and_leads_there(company: Company) -> None:
    company.bob.send(company.talk, "shall we?")
    page = company.page(company.bob.name)
    act(page, "shall we?", "Reply")
    expect(page.locator(".context")).to_contain_text("shall we?")
    say(page, "by all means")
    answer = bubble(page, "by all means")
    expect(answer.locator(".quote")).to_contain_text(company.bob.name)
    expect(page.locator(".context")).to_be_hidden()
    expect(message(page, "by all means", "sent")).to_be_visible()
    assert company.bob.history(company.talk)[-1]["reply_to"]["text"] == "shall we?"
    answer.locator(".quote").click()
    expect(page.locator(".message.flash")).to_contain_text("shall we?")
    (question,) = (one for one in company.bob.history(company.talk) if one["text"] == "shall we?")
    company.bob.ok("DELETE", f"/api/messages/{question['id']}")
    page.reload()
    expect(bubble(page, "by all means").locator(".quote")).to_contain_text("Message deleted")


def test_the_arrow_up_edits_ones_last_message_and_everybody_sees_it(company: Company) -> None:
    page = company.page(company.bob.name)
    say(page, "helo")
    expect(message(page, "helo", "sent")).to_be_visible()
    composer(page).press("ArrowUp")
    expect(composer(page)).to_have_value("helo")
    say(page, "hello")
    expect(bubble(page, "hello")).to_contain_text("edited")
    said = company.bob.history(company.talk)[-1]
    assert (said["text"], said["revision"]) == ("hello", 1)
    # The other side changes, too, without a reload.
    company.bob.ok("PATCH", f"/api/messages/{company.bob.send(company.talk, 'fine')['id']}", {"text": "very well"})
    expect(bubble(page, "very well")).to_contain_text("edited")


def test_escape_gives_up_an_edit_and_the_draft_is_back(company: Company) -> None:
    page = company.page(company.bob.name)
    say(page, "said")
    expect(message(page, "said", "sent")).to_be_visible()
    composer(page).fill("a draft")
    act(page, "said", "Edit")
    expect(composer(page)).to_have_value("said")
    composer(page).press("Escape")
    expect(composer(page)).to_have_value("a draft")


def test_a_deleted_message_is_gone_for_everybody(company: Company) -> None:
    page = company.page(company.bob.name)
    say(page, "a secret")
    expect(message(page, "a secret", "sent")).to_be_visible()
    act(page, "a secret", "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".bubble.deleted .text")).to_have_text("This message was deleted.")
    expect(friend(page, company.bob.name)).to_contain_text("Message deleted")
    assert company.bob.history(company.talk)[-1]["deleted"] is True


def test_reactions_are_put_and_taken_back(company: Company) -> None:
    company.bob.send(company.talk, "good news")
    page = company.page(company.bob.name)
    act(page, "good news", "React with 🎉")
    mine = bubble(page, "good news").locator(".reaction")
    expect(mine).to_have_attribute("aria-pressed", "true")
    said = company.bob.history(company.talk)[-1]
    company.bob.ok("PUT", f"/api/messages/{said['id']}/reactions/%F0%9F%8E%89")
    expect(mine).to_have_text("🎉2")
    mine.click()
    expect(mine).to_have_attribute("aria-pressed", "false")
    expect(mine).to_have_text("🎉1")


def test_any_emoji_is_found_by_its_name(company: Company) -> None:
    page = company.page(company.bob.name)
    page.get_by_role("button", name="Emoji").click()
    page.get_by_label("Search emoji").fill("rocket")
    page.keyboard.press("Enter")
    expect(composer(page)).to_have_value("🚀")
    composer(page).press("Enter")
    expect(bubble(page, "🚀").locator(".text.jumbo")).to_be_visible()


def test_who_is_named_is_told_and_names_are_completed(company: Company) -> None:
    group = company.group()
    page = company.page()
    company.bob.send(group, f"@{company.ada.name} have a look")
    expect(line(page, group).locator(".at")).to_be_visible()
    line(page, group).click()
    expect(bubble(page, "have a look").locator(".at.self")).to_have_text(f"@{company.ada.name}")
    expect(line(page, group).locator(".at")).to_be_hidden()
    composer(page).press_sequentially(f"hi @{company.cleo.name[:4]}")
    page.get_by_role("option", name=company.cleo.name).wait_for()
    composer(page).press("Enter")
    expect(composer(page)).to_have_value(f"hi @{company.cleo.name} ")
    composer(page).press("Enter")
    expect(bubble(page, "hi @").locator(".at")).to_have_text(f"@{company.cleo.name}")
    until("it is said", lambda: company.cleo.history(group)[-1].get("mentions") == [company.cleo.name])


def test_pictures_and_files_are_sent_and_shown(company: Company, tmp_path: Path) -> None:
    photo, notes = tmp_path / "lake.png", tmp_path / "notes.txt"
    photo.write_bytes(picture("PNG", (640, 400)))
    notes.write_text("remember the milk")
    page = company.page(company.bob.name)
    page.locator('input[type="file"]').set_input_files([photo, notes])
    expect(page.locator(".attachment")).to_have_count(2)
    expect(page.locator(".attachment progress")).to_have_count(0)
    say(page, "from the lake")
    sent = message(page, "from the lake", "sent")
    box = sent.locator(".picture").bounding_box()
    assert box
    assert abs(box["width"] / box["height"] - 640 / 400) < 0.02
    expect(sent.get_by_role("link", name="Download notes.txt")).to_be_visible()
    until("the picture is there", lambda: sent.locator("img").evaluate("(image) => image.naturalWidth > 0"))
    files = company.bob.history(company.talk)[-1]["files"]
    assert [(file["name"], file["type"]) for file in files] == [("lake.png", "image/png"), ("notes.txt", "text/plain")]
    sent.locator(".picture").click()
    shown = page.get_by_role("dialog", name="Picture").locator("img")
    until("it is there in full", lambda: shown.evaluate("(image) => image.naturalWidth") == 640)
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        sent.get_by_role("link", name="Download notes.txt").click()
    assert download.value.path().read_text() == "remember the milk"


def test_a_file_that_is_refused_is_said_in_words_and_can_only_be_taken_away(company: Company, tmp_path: Path) -> None:
    company.desk.expected = ["400"]
    empty, broken = tmp_path / "empty.txt", tmp_path / "broken.png"
    empty.touch()
    broken.write_bytes(b"no picture at all" * 20)
    page = company.page(company.bob.name)
    page.locator('input[type="file"]').set_input_files([empty, broken])
    refused = page.locator(".attachment", has_text="empty.txt")
    expect(refused).to_contain_text("This file is empty.")
    expect(refused.get_by_role("button")).to_have_count(1)
    # The other is sent as what it is; what shows no picture shows none that is broken.
    expect(page.locator(".attachment", has_text="broken.png")).to_contain_text("340\u00a0B")
    expect(page.locator(".attachment img")).to_have_count(0)
    composer(page).fill("with it")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Remove empty.txt").click()
    composer(page).press("Enter")
    expect(message(page, "with it", "sent")).to_be_visible()


def test_a_file_that_was_not_taken_for_now_is_tried_again(company: Company, tmp_path: Path) -> None:
    company.desk.expected = ["503"]
    notes = tmp_path / "notes.txt"
    notes.write_text("remember the milk")
    page = company.page(company.bob.name)
    page.route("**/api/files*", lambda route: route.fulfill(status=503, json={"code": "unavailable"}), times=1)
    page.locator('input[type="file"]').set_input_files(notes)
    expect(page.locator(".attachment")).to_contain_text("The server is busy.")
    page.locator(".attachment").get_by_role("button", name="Retry").click()
    expect(page.locator(".attachment")).to_contain_text("17\u00a0B")


def test_a_file_may_be_dropped_anywhere_on_the_window(company: Company, tmp_path: Path) -> None:
    notes = tmp_path / "dropped.txt"
    notes.write_text("hello")
    page = company.page()
    hand = company.desk.context.new_cdp_session(page)
    veil = page.locator(".drop")

    def drag(*kinds: str) -> None:
        """Over the list."""
        data = {"items": [], "files": [str(notes)], "dragOperationsMask": 1}
        for kind in kinds:
            hand.send("Input.dispatchDragEvent", {"type": kind, "x": 60, "y": 400, "data": data})

    # Where no message can take it, nothing happens; above all the page is not left for the file.
    drag("dragEnter", "dragOver", "drop")
    friend(page, company.bob.name).click()
    expect(composer(page)).to_be_visible()
    drag("dragEnter", "dragOver")
    expect(veil).to_be_visible()
    drag("drop")
    expect(veil).to_be_hidden()
    expect(page.locator(".attachment")).to_contain_text("5\u00a0B")
    # Not behind a dialog.
    choose_of(page, "View profile")
    expect(page.get_by_role("dialog")).to_be_visible()
    drag("dragEnter", "dragOver", "drop")
    page.keyboard.press("Escape")
    composer(page).press("Enter")
    expect(page.locator('.message[data-state="sent"] .file')).to_have_count(1)


def test_a_pasted_picture_is_attached(company: Company) -> None:
    page = company.page(company.bob.name)
    composer(page).evaluate(
        """(field, bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
          field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        list(picture("PNG", (20, 20))),
    )
    expect(page.locator(".attachment")).to_contain_text("image.png")
    expect(page.locator(".attachment progress")).to_have_count(0)
    composer(page).press("Enter")
    expect(page.locator('.message[data-state="sent"] .picture')).to_be_visible()
    expect(friend(page, company.bob.name)).to_contain_text("Picture")


def test_search_finds_messages_and_leads_to_them(company: Company) -> None:
    company.bob.send(company.talk, "the needle is here")
    for number in range(250):
        company.bob.send(company.talk, f"straw {number}")
    company.ada.ok("PUT", f"/api/conversations/{company.talk}/read", {"number": 251})
    page = company.page(company.bob.name)
    expect(bubble(page, "straw 249")).to_be_visible()
    page.get_by_label("Search people and messages").fill("needle")
    page.locator(".line", has_text="the needle").click()
    expect(page.locator(".message.flash")).to_contain_text("the needle is here")
    expect(bubble(page, "straw 0").first).to_be_visible()
    page.get_by_role("button", name="Jump to the newest message").click()
    expect(bubble(page, "straw 249")).to_be_visible()


def test_any_sign_may_be_searched_for_and_nothing_goes_wrong(company: Company) -> None:
    company.bob.send(company.talk, '100 % sure - or "not"')
    page = company.page()
    field = page.get_by_label("Search people and messages")
    # What the browser would complain of, the desk would.
    for query in ("%", '"', "-", "\\", "'", "_", "a b c d e f g h i j k l m n o p q r s", "x" * 100):
        with page.expect_response(lambda response: "/api/search" in response.url) as found:
            field.fill(query)
        assert found.value.json()["messages"] == []
    field.fill('100 % "not"')
    expect(page.locator("mark")).to_have_text(["100", "%", "not"])


def test_a_search_in_one_chat_finds_what_was_said_there_alone(company: Company) -> None:
    other = company.ada.befriend(company.dora)
    for talk, who in ((company.talk, company.bob), (other, company.dora)):
        who.send(talk, f"a needle of {who.name}")
    page = company.page(company.bob.name)
    choose_of(page, "Search in this chat")
    expect(page.get_by_label("Search people and messages")).to_be_focused()
    page.keyboard.type("needle")
    found = page.locator(".line", has=page.locator("mark"))
    expect(found).to_have_count(1)
    expect(found).to_contain_text(f"needle of {company.bob.name}")
    page.get_by_role("button", name="Search everywhere").click()
    expect(found).to_have_count(2)


def test_search_leads_from_another_chat_into_the_past_and_a_send_back_to_the_end(
    company: Company,
) -> None:
    for number in range(100):
        company.bob.send(company.talk, f"older straw {number}")
    company.bob.send(company.talk, "the needle is here")
    for number in range(500):
        company.bob.send(company.talk, f"straw {number}")
    page = company.page(company.cleo.name)
    page.get_by_label("Search people and messages").fill("needle")
    page.locator(".line", has_text="the needle").click()
    expect(page.locator(".message.flash")).to_contain_text("the needle is here")
    expect(page.locator(".message.flash")).to_be_in_viewport()
    composer(page).fill("found it")
    composer(page).press("Enter")
    expect(bubble(page, "found it")).to_be_in_viewport()


def test_the_quote_of_what_is_deleted_says_so_at_once(company: Company) -> None:
    said = company.bob.send(company.talk, "secret words")
    company.ada.ok(
        "POST",
        "/api/messages",
        {"conversation": company.talk, "text": "an answer", "client_id": "q", "reply_to": said["id"]},
    )
    page = company.page(company.bob.name)
    expect(bubble(page, "an answer")).to_contain_text("secret words")
    company.bob.ok("DELETE", f"/api/messages/{said['id']}")
    expect(bubble(page, "an answer")).to_contain_text("Message deleted")
    expect(page.get_by_text("secret words")).to_have_count(0)


def test_while_a_chat_is_loaded_its_place_is_held(company: Company) -> None:
    company.bob.send(company.talk, "worth waiting for")
    page = company.page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/messages?*", hold)
    friend(page, company.bob.name).click()
    bones = page.locator(".bones")
    expect(bones).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Loading")).to_be_attached()  # for those who do not see it
    assert held
    held[0].continue_()
    expect(bubble(page, "worth waiting for")).to_be_visible()
    expect(bones).to_be_hidden()
    expect(page.get_by_role("region", name="Messages", exact=True)).to_have_attribute("tabindex", "0")


def test_links_are_links_and_code_is_code_and_nothing_else_is_anything(company: Company) -> None:
    company.bob.send(company.talk, "see https://example.org/a_(b). or javascript:alert(1) ```\nx < 1\n``` and `y`")
    page = company.page(company.bob.name)
    said = bubble(page, "javascript:alert(1)")
    expect(said.locator("a")).to_have_count(1)
    link = said.locator("a")
    expect(link).to_have_attribute("href", "https://example.org/a_(b)")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(said.locator("pre")).to_have_text("x < 1")
    expect(said.locator("code").last).to_have_text("y")


def test_a_long_message_is_folded(company: Company) -> None:
    company.bob.send(company.talk, "\n".join(f"line {number}" for number in range(60)))
    page = company.page(company.bob.name)
    folded = bubble(page, "line 0").locator(".text")
    before = folded.evaluate("(text) => text.clientHeight")
    page.get_by_role("button", name="Show more").click()
    until("it is unfolded", lambda: folded.evaluate("(text) => text.clientHeight") > 2 * before)


def test_sent_got_and_read_show_on_the_message(company: Company) -> None:
    page = company.page(company.bob.name)
    say(page, "can you see me?")
    icon = message(page, "can you see me?", "sent").locator(".state-icon")
    expect(icon).to_have_attribute("data-icon", "sent")
    company.bob.ok("POST", "/api/receipts", {"delivered": {str(company.talk): 1}})
    expect(icon).to_have_attribute("data-icon", "delivered")
    company.bob.ok("PUT", f"/api/conversations/{company.talk}/read", {"number": 1})
    expect(icon).to_have_attribute("data-icon", "read")


def test_a_browser_says_what_it_has_got(company: Company) -> None:
    company.page()
    company.bob.send(company.talk, "did it arrive?")

    def delivered() -> bool:
        return bool(company.bob.state()["conversations"][0].get("delivered") == 1)

    until("the sender is told", delivered)


def test_typing_is_seen_and_ends_with_the_message(company: Company) -> None:
    page = company.page(company.bob.name)
    expect(page.locator(".typing-line")).to_have_text("")

    def seen() -> bool:
        company.bob.ok("POST", f"/api/conversations/{company.talk}/typing")
        page.wait_for_timeout(200)
        return page.locator(".typing-line").inner_text().startswith("typing")

    until("typing is seen", seen)
    expect(friend(page, company.bob.name)).to_contain_text("typing")
    company.bob.send(company.talk, "there it is")
    expect(page.locator(".typing-line")).to_have_text("")


def test_what_is_marked_unread_stays_so(company: Company) -> None:
    for text in ("one", "two", "three"):
        company.bob.send(company.talk, text)
    page = company.page(company.bob.name)
    expect(page).to_have_title("Webchat")
    act(page, "two", "Mark as unread")
    expect(friend(page, company.bob.name).locator(".badge")).to_contain_text("2")
    page.reload()
    friend(page, company.bob.name).click()
    expect(page.locator(".divider")).to_be_visible()


def test_another_device_that_has_it_in_view_does_not_read_it_again(company: Company, browser: Browser) -> None:
    for text in ("one", "two", "three"):
        company.bob.send(company.talk, text)
    page = company.page(company.bob.name)
    with browser.new_context() as context:
        other = company.at(Desk(context, company.desk.address)).page(company.bob.name)
        expect(other).to_have_title("Webchat")
        act(page, "two", "Mark as unread")
        expect(friend(other, company.bob.name).locator(".badge")).to_contain_text("2")
        expect(other.locator(".divider")).to_be_visible()
        company.bob.send(company.talk, "four")
        expect(bubble(other, "four")).to_be_visible()
        expect(other).to_have_title("(3) Webchat")
        expect(page).to_have_title("(3) Webchat")
        # Until somebody does something there.
        other.mouse.wheel(0, 1)
        for tab in (other, page):
            expect(tab).to_have_title("Webchat")


def test_what_is_not_sent_yet_can_be_taken_back(company: Company) -> None:
    company.desk.expected = ["ERR_"]
    page = company.page(company.bob.name)
    expect(composer(page)).to_be_visible()
    company.desk.context.set_offline(True)
    say(page, "rather not")
    waiting = message(page, "rather not", "pending")
    waiting.locator(".bubble").hover()
    tools = page.get_by_role("toolbar").get_by_role("button")
    expect(tools).to_have_count(1)
    page.get_by_role("toolbar").get_by_role("button", name="Do not send").click()
    expect(bubble(page, "rather not")).to_have_count(0)
    say(page, "but this")
    # Under the pointer it becomes one that was sent, with all that one can do with it.
    message(page, "but this", "pending").locator(".bubble").hover()
    company.desk.context.set_offline(False)
    expect(message(page, "but this", "sent")).to_be_visible()
    expect(page.get_by_role("toolbar").get_by_role("button", name="Reply")).to_be_visible()
    assert [one["text"] for one in company.bob.history(company.talk)] == ["but this"]


def test_messages_by_keyboard_alone(company: Company) -> None:
    company.bob.send(company.talk, "first")
    company.bob.send(company.talk, "second")
    page = company.page(company.bob.name)
    expect(bubble(page, "second")).to_be_visible()
    composer(page).focus()
    page.keyboard.press("ArrowUp")
    expect(bubble(page, "second")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(bubble(page, "first")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(bubble(page, "first")).to_be_focused()
    page.keyboard.press("r")
    expect(composer(page)).to_be_focused()
    expect(page.locator(".context")).to_contain_text("first")


def test_a_long_press_opens_the_menu(browser: Browser, demo_node: Launched) -> None:
    with browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True) as context:
        company = Company(Desk(context, f"http://127.0.0.1:{demo_node.port}"), demo_node.port)
        company.bob.send(company.talk, "press me")
        page = company.page(company.bob.name)
        expect(page.locator(".pane.guarded")).to_have_count(0)  # against the second half of a double-click
        box = bubble(page, "press me").locator(".bubble").bounding_box()
        assert box
        touch = context.new_cdp_session(page)
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        page.wait_for_timeout(600)  # the finger rests: there is no condition to wait for
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(page.get_by_role("menuitem", name="Reply")).to_be_visible()
        expect(page.locator(".menu kbd").first).to_be_hidden()  # a finger has no keys
        page.get_by_role("menuitem", name="Reply").tap()
        expect(page.locator(".context")).to_contain_text("press me")
        page.get_by_role("button", name="Back to the list").tap()
        page.get_by_role("button", name="Your account").tap()
        expect(page.get_by_role("menuitem", name="Settings")).to_be_visible()
        expect(page.get_by_role("menuitem", name="Keyboard shortcuts")).to_have_count(0)
