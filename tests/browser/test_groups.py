"""Groups on the screen: made, led, left; each member is offered only what their role allows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.company import Company, bubble, choose_of, line
from tests.browser.conftest import Desk
from tests.browser.test_two_tabs import message, say
from tests.workers.launched import Launched


@pytest.fixture
def company(desk: Desk, demo_node: Launched) -> Company:
    return Company(desk, demo_node.port)


def panel(page: Page, group: int) -> None:
    line(page, group).click()
    page.get_by_role("button", name="Details of the group").click()


def test_a_group_is_made_of_friends_and_talked_in(company: Company) -> None:
    page = company.page()
    page.get_by_role("button", name="New group").click()
    dialog = page.get_by_role("dialog", name="New group")
    name = dialog.get_by_label("Name of the group")
    dialog.get_by_role("button", name="Create group").click()
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("The group needs a name.")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("Trip to the lake")
    expect(name).to_have_accessible_description("")
    dialog.get_by_role("button", name="Create group").click()
    expect(dialog.get_by_role("alert")).to_have_text("Choose at least one friend.")
    dialog.get_by_label(company.bob.name).check()
    dialog.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("heading", name="Trip to the lake")).to_be_visible()
    expect(page.locator(".event").first).to_have_text("You created the group “Trip to the lake”")
    say(page, "who drives?")
    expect(message(page, "who drives?", "sent")).to_be_visible()
    group = next(one for one in company.bob.state()["conversations"] if one["kind"] == "group")
    company.bob.send(group["id"], "I do")
    expect(bubble(page, "I do").locator(".sender")).to_have_text(company.bob.name)


def test_an_owner_leads_the_group(company: Company) -> None:
    group = company.group()
    page = company.page()
    panel(page, group)
    dialog = page.get_by_role("dialog", name="Group", exact=True)
    dialog.get_by_role("button", name="Rename").click()
    page.get_by_label("Name of the group").fill("Journey")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".bar").get_by_role("heading", name="Journey")).to_be_visible()
    dialog.get_by_role("button", name=f"What to do with {company.bob.name}").click()
    page.get_by_role("menuitem", name="Make admin").click()
    expect(dialog.get_by_text("Admin", exact=True)).to_be_visible()
    dialog.get_by_role("button", name=f"What to do with {company.cleo.name}").click()
    page.get_by_role("menuitem", name="Remove from group").click()
    page.get_by_role("dialog", name="Remove").get_by_role("button", name="Remove from group").click()
    expect(dialog.get_by_text(company.cleo.name)).to_have_count(0)
    dialog.get_by_role("button", name="Add members").click()
    page.get_by_label(company.cleo.name).check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text(company.cleo.name)).to_be_visible()
    kinds = [said.get("kind") for said in company.bob.history(group)]
    assert kinds == ["created", "renamed", "role", "removed", "added"]


def test_a_member_is_offered_nothing_that_would_be_refused(company: Company) -> None:
    made = company.bob.ok("POST", "/api/conversations", {"name": "Bob's", "members": [company.ada.name]})
    page = company.page()
    panel(page, made["conversation"]["id"])
    dialog = page.get_by_role("dialog", name="Group", exact=True)
    expect(dialog.get_by_text("Owner", exact=True)).to_be_visible()
    for word in ("Rename", "Add members"):
        expect(dialog.get_by_role("button", name=word)).to_have_count(0)
    dialog.get_by_role("button", name=f"What to do with {company.bob.name}").click()
    expect(page.get_by_role("menuitem")).to_have_text(["View profile"])


def test_an_admin_steps_down(company: Company) -> None:
    group = company.bob.ok("POST", "/api/conversations", {"name": "Bob's", "members": [company.ada.name]})
    id = group["conversation"]["id"]
    company.bob.ok("PUT", f"/api/conversations/{id}/members/{company.ada.name}", {"role": "admin"})
    page = company.page()
    panel(page, id)
    dialog = page.get_by_role("dialog", name="Group", exact=True)
    dialog.get_by_role("button", name="Give up the admin role").click()
    page.get_by_role("dialog", name="Give up").get_by_role("button", name="Give up the admin role").click()
    expect(dialog.get_by_role("button", name="Rename")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Give up the admin role")).to_have_count(0)
    expect(page.locator(".event").last).to_have_text("You gave up the admin role")
    assert company.ada.ok("GET", f"/api/conversations/{id}")["conversation"]["role"] == "member"


def test_who_leaves_or_is_removed_sees_nothing_of_it_any_more(company: Company) -> None:
    left, lost = company.group("Left"), company.group("Lost")
    company.ada.ok("PUT", f"/api/conversations/{lost}/members/{company.bob.name}", {"role": "owner"})
    page = company.page()
    line(page, left).click()
    choose_of(page, "Leave group")
    page.get_by_role("dialog").get_by_role("button", name="Leave group").click()
    expect(line(page, left)).to_have_count(0)
    # Both answered before she is removed: what she asks of a group that she is not in any more is a 404, rightly.
    with page.expect_response(f"**/conversations/{lost}"), page.expect_response(f"**/conversations/{lost}/messages*"):
        line(page, lost).click()
    company.bob.ok("DELETE", f"/api/conversations/{lost}/members/{company.ada.name}")
    expect(line(page, lost)).to_have_count(0)
    expect(page.get_by_text("You are not in this group.")).to_be_visible()


def test_a_quiet_group_says_so(company: Company) -> None:
    group = company.group()
    page = company.page()
    line(page, group).click()
    choose_of(page, "Mute")
    expect(page.locator(".bar").locator("[data-ref=muted]")).to_be_visible()
    company.bob.send(group, "psst")
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("menuitem", name="Unmute")).to_be_visible()
    assert company.ada.ok("GET", f"/api/conversations/{group}")["conversation"]["muted"] is True
