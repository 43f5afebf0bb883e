"""A workflow in a real browser: under both control models, its source, its versions."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_workflow_is_shown_as_orchestration_and_as_choreography(viewer, picture):
    viewer.go("/workflows/shop/order")
    viewer.page.get_by_role("button", name="as orchestration").click()
    steps = viewer.page.get_by_role("region", name="The conductor's steps")
    for lane in ("conductor", "inventory", "payments", "shipping", "messages"):
        expect(steps.locator(".lane-head", has_text=lane)).to_be_visible()
    expect(steps.locator(".step")).to_have_count(8)
    picture("as-orchestration")

    viewer.page.get_by_role("button", name="as choreography").click()
    rules = viewer.page.get_by_role("region", name="Each participant's rules")
    expect(rules.locator(".lane-head", has_text="conductor")).to_have_count(0)
    expect(rules.locator(".rule", has_text="joins both")).to_be_visible()
    expect(rules.locator(".rule", has_text="undo")).to_have_count(0)
    picture("as-choreography", "dark")
    viewer.page.get_by_label("Show failures and undoing").check()

    expect(rules.locator(".rule", has_text="reserve.compensate")).to_be_visible()
    assert "as=choreographed" in viewer.page.url


def test_a_workflow_that_needs_a_conductor_says_why_and_at_which_line(viewer):
    viewer.go("/workflows/shop/report?as=choreographed")
    expect(viewer.page.get_by_text("needs a conductor")).to_be_visible()
    viewer.page.get_by_role("button", name="Show them in the source").click()
    remarks = viewer.page.get_by_role("complementary", name="What a check says")
    remarks.get_by_role("button", name="line 10").click()

    expect(viewer.page.locator(".cm-line.at")).to_contain_text("gather")
    expect(viewer.page.locator(".cm-lint-marker")).not_to_have_count(0)


def test_a_task_of_the_graph_leads_to_its_line(viewer):
    viewer.go("/workflows/shop/order?view=graph")
    viewer.page.get_by_label("approve, listen, orders").click()

    expect(viewer.page.locator(".cm-line.at")).to_contain_text("approve")


def test_versions_are_compared(viewer):
    viewer.go("/workflows/shop/order?view=versions")
    changes = viewer.page.get_by_label("From 0.9.0 to 1.0.0")

    expect(changes).to_have_count(2)
    expect(changes.first).to_contain_text("0.9.0")
    expect(changes.last).to_contain_text("summary")
