"""Runs in a real browser: started, watched while they change, found, mended, acted upon."""

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

BOTH = pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
THEMES = {"orchestrated": "light", "choreographed": "dark"}
"""What pictures of a run are taken in, so that both are seen."""


@BOTH
def test_a_run_is_started_from_its_workflow_and_watched_to_its_end(viewer, picture, control):
    viewer.go(f"/workflows/shop/order?as={control}")
    viewer.page.get_by_role("button", name="Start…").click()
    viewer.write("Input", '{"order": "o-1", "customer": "Ada", "sku": "A1", "cents": 1200}')
    picture(f"start-{control}", THEMES[control])
    viewer.page.get_by_role("button", name="Start", exact=True).click()

    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")
    expect(viewer.page.get_by_text(control, exact=True)).to_be_visible()
    for task in ("reserve", "both", "charge", "card", "pack", "judge", "tell"):
        expect(viewer.page.locator(".gantt-name", has_text=task).first).to_be_visible()
    assert not viewer.complaints


@BOTH
def test_a_run_that_waits_goes_on_before_the_viewers_eyes(viewer, shop, picture, control):
    order = f"large-{control}"
    run = shop.run(order, control, cents=90_000)
    viewer.run_screen(run)
    expect(viewer.page.locator(".head:visible")).to_contain_text("waiting")
    expect(viewer.page.get_by_role("region", name="Expected next")).to_contain_text("approve")
    expect(viewer.page.locator(".gantt-name", has_text="approve")).to_be_visible()
    picture(f"watch-{control}", THEMES[control])

    shop.publish("com.shop.order.approved.v1", {"order": order})

    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")
    expect(viewer.page.locator(".gantt-name", has_text="tell")).to_be_visible()


@BOTH
def test_a_failure_is_seen_and_retried_from_the_start(viewer, shop, picture, control):
    run = shop.run(f"poor-{control}", control, cents=13)
    viewer.run_screen(run)
    expect(viewer.page.get_by_text("card declined").first).to_be_visible()
    expect(viewer.page.locator(".gantt-name", has_text="undo reserve")).to_be_visible()
    picture(f"failure-{control}", THEMES[control])

    viewer.page.get_by_role("button", name="Retry…").click()
    dialog = viewer.page.get_by_role("dialog", name="Retry")
    expect(dialog.get_by_text("it begins again")).to_be_visible()  # what was done was undone
    expect(dialog.get_by_role("radio")).to_have_count(1)
    dialog.get_by_label("With other input").check()
    mended = {"order": f"poor-{control}", "customer": "Ada", "sku": "A1", "cents": 700}
    viewer.write("Input", json.dumps(mended, indent=2))
    if control == "choreographed":
        picture("retry-choreographed", "dark")
    dialog.get_by_role("button", name="Retry", exact=True).click()

    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")


def test_a_run_goes_on_from_a_task_with_other_input(viewer, shop, picture):
    run = shop.run("poor-task", cents=13, version="0.9.0")
    viewer.run_screen(run)
    viewer.page.locator(".gantt-name", has_text="card").click()
    viewer.page.get_by_role("button", name="Retry from here…").click()
    dialog = viewer.page.get_by_role("dialog", name="Retry")
    expect(dialog.get_by_role("radio", name="From card")).to_be_checked()
    dialog.get_by_label("With other input").check()
    viewer.write("Input", json.dumps({"order": "poor-task", "cents": 700}, indent=2))
    dialog.get_by_role("button", name="Show what was changed").click()
    expect(dialog.get_by_label("What was changed").last).to_contain_text("700")
    picture("retry-orchestrated")
    dialog.get_by_role("button", name="Retry", exact=True).click()

    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")
    expect(viewer.page.locator(".facts").get_by_role("link", name=run)).to_be_visible()
    expect(viewer.page.get_by_role("button", name="card:")).to_have_count(1)


def test_attempts_share_a_row_of_the_timeline_and_are_compared(viewer, shop):
    run = shop.run("busy-bank", cents=503)
    viewer.run_screen(run)
    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")
    bars = viewer.page.get_by_role("button", name="card:")
    expect(bars).to_have_count(3)

    viewer.page.locator(".gantt-name", has_text="card").click()
    panel = viewer.page.get_by_role("complementary", name="Task card")
    expect(panel.get_by_role("button", name="attempt 1")).to_be_visible()
    panel.get_by_label("Compare with").select_option("before")

    expect(panel.get_by_label("From the occurrence before to this")).to_contain_text("charge")


def test_the_graph_shows_how_far_a_run_is(viewer, shop):
    run = shop.run("graph-1", "choreographed", cents=90_000)
    viewer.run_screen(run, tab="graph")

    expect(viewer.page.get_by_label("reserve, call, inventory, completed")).to_be_visible()
    expect(viewer.page.get_by_label("approve, listen, orders")).to_be_visible()
    expect(viewer.page.get_by_label("tell, call, messages", exact=True)).to_be_visible()


def test_filters_stand_in_the_address_and_are_kept_under_a_name(viewer, shop):
    shop.run("find-me", cents=13)
    shop.run("find-me-not", cents=1200)
    shop.run("somebody-else", cents=1200)
    viewer.go("/runs")
    viewer.page.get_by_label("Status", exact=True).select_option("faulted")
    viewer.page.get_by_label("Search runs").fill("find-me")
    rows = viewer.page.get_by_role("table", name="Runs").get_by_role("row")
    expect(rows).to_have_count(2)
    assert "status=faulted" in viewer.page.url

    viewer.page.get_by_role("button", name="Save this view").click()
    viewer.page.get_by_label("Name of the view").fill("Mine")
    viewer.page.get_by_role("button", name="Save", exact=True).click()
    viewer.page.get_by_role("button", name="All", exact=True).click()
    expect(rows.nth(3)).to_be_visible()
    viewer.page.reload()
    viewer.page.get_by_role("button", name="Mine").click()

    expect(rows).to_have_count(2)
    expect(viewer.page.get_by_label("Search runs")).to_have_value("find-me")


def test_less_common_filters_stand_in_a_sheet(viewer, shop):
    old = shop.run("sheet-old", version="0.9.0")
    new = shop.run("sheet-new")
    viewer.go("/runs")
    expect(viewer.page.get_by_role("link", name=new)).to_be_visible()
    viewer.page.get_by_role("button", name="More filters").click()
    viewer.page.get_by_label("Version").fill("0.9.0")
    viewer.page.get_by_label("Started after").fill("2020-01-01T00:00")
    viewer.page.get_by_role("button", name="Set these filters").click()

    expect(viewer.page.get_by_role("link", name=new)).to_have_count(0)
    expect(viewer.page.get_by_role("link", name=old)).to_be_visible()
    assert "version=0.9.0" in viewer.page.url
    assert "since=2020" in viewer.page.url or "since=2019" in viewer.page.url


def test_runs_are_acted_upon_in_bulk_after_a_dry_run(viewer, shop):
    runs = [shop.run(f"bulk-{number}", cents=90_000) for number in range(3)]
    viewer.go("/runs?q=bulk-")
    expect(viewer.page.get_by_role("row")).to_have_count(4)
    viewer.page.get_by_label(f"Choose run {runs[0]}").check()
    viewer.page.get_by_role("button", name="Do with all that match…").click()
    viewer.page.get_by_label("cancel").first.check()
    expect(viewer.page.get_by_text("3 runs", exact=True)).to_be_visible()
    viewer.page.get_by_role("button", name="cancel 3 runs").click()

    expect(viewer.page.get_by_text("3 of 3 runs")).to_be_visible()
    viewer.page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(viewer.page.locator(".grid .mark", has_text="cancelled")).to_have_count(3)


def test_a_run_is_cancelled_suspended_and_resumed(viewer, shop):
    run = shop.run("stand-still", cents=90_000)
    viewer.run_screen(run)
    head = viewer.page.locator(".head:visible")
    viewer.page.get_by_role("button", name="Suspend").click()
    expect(head).to_contain_text("suspended")
    viewer.page.get_by_role("button", name="Resume").click()
    expect(head).to_contain_text("waiting")
    viewer.page.get_by_role("button", name="Cancel…").click()
    viewer.page.get_by_role("button", name="Cancel the run").click()
    expect(head).to_contain_text("cancelled")

    expect(viewer.page.locator(".gantt-name", has_text="undo reserve")).to_be_visible()


def test_a_run_is_run_again_with_other_input(viewer, shop):
    run = shop.run("again-1")
    viewer.run_screen(run)
    viewer.page.get_by_role("button", name="Rerun…").click()
    viewer.write("Input", '{"order": "again-2", "customer": "Bo", "sku": "B", "cents": 5}')
    viewer.page.get_by_role("button", name="Begin").click()

    expect(viewer.page.locator(".facts")).to_contain_text("again-2")
    expect(viewer.page.get_by_role("link", name=run)).to_be_visible()
