"""Whoever sees, hears or points otherwise can use every screen, in the light and in the dark.

axe looks for what breaks the WCAG at level AA, and its own list of good practice.
"""

import pytest
from playwright.sync_api import expect

from .conftest import AXE

pytestmark = pytest.mark.browser

ORDER = "/workflows/shop/order"
SCREENS = {
    "/": "Health",
    "/runs": "Runs",
    "/runs?status=faulted&q=nothing-has-this-key": "Runs",
    "/map": "Live map",
    "/dead": "Dead letters",
    f"{ORDER}?as=orchestrated": "shop/order",
    f"{ORDER}?as=choreographed": "shop/order",
    f"{ORDER}?view=graph": "shop/order",
    f"{ORDER}?view=versions": "shop/order",
    "/workflows/shop/report?view=source&as=choreographed": "shop/report",
    "/workflows": "Workflows",
    "/participants": "Participants",
    "/triggers": "Triggers",
    "/catalogue": "Catalogue",
    "/catalogue?tab=functions": "Catalogue",
    "/settings": "Settings",
    "/nowhere": "Nothing here",
}
TABS = ["timeline", "graph", "events", "data"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page):
    """Return what axe finds on the screen that is open, in both themes."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        told = page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
        )
        found += [
            (theme, one["id"], node["target"], node["failureSummary"])
            for one in told["violations"]
            for node in one["nodes"]
        ]
    return found


def settled(page, title):
    """Wait until a screen is there, and nothing of it is on its way."""
    expect(page).to_have_title(f"{title} · Batuta")
    expect(page.locator(".loading")).to_have_count(0)


@pytest.fixture(scope="module")
def runs(shop):
    """A run of each control model, one that has faulted and one that waits."""
    return {
        "orchestrated": shop.run("axe-poor", cents=13),
        "choreographed": shop.run("axe-large", "choreographed", cents=90_000),
    }


@pytest.mark.parametrize("place", SCREENS)
def test_axe_finds_nothing_on_a_screen(viewer, runs, place):
    viewer.go(place)
    settled(viewer.page, SCREENS[place])

    assert not faults(viewer.page)
    assert not viewer.complaints  # what the server's policy forbids would be among them


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
@pytest.mark.parametrize("tab", TABS)
def test_axe_finds_nothing_on_a_run(viewer, runs, tab, control):
    viewer.run_screen(runs[control], tab=tab)
    settled(viewer.page, f"Run {runs[control]}")

    assert not faults(viewer.page)
    assert not viewer.complaints


def test_axe_finds_nothing_on_a_task_and_a_dialog(viewer, runs):
    viewer.run_screen(runs["orchestrated"])
    viewer.page.locator(".gantt-name", has_text="card").click()
    expect(viewer.page.get_by_role("complementary", name="Task card")).to_be_visible()
    found = faults(viewer.page)
    viewer.page.get_by_role("button", name="Retry…").click()
    viewer.page.get_by_label("With other input").check()
    expect(viewer.page.get_by_role("textbox", name="Input")).to_be_visible()

    assert not found + faults(viewer.page)


def test_axe_finds_nothing_in_the_palette_and_the_keys(viewer, shop):
    viewer.page.keyboard.press("ControlOrMeta+k")
    expect(viewer.page.get_by_role("combobox", name="Find and do")).to_be_focused()
    found = faults(viewer.page)
    viewer.page.keyboard.press("Escape")
    viewer.page.keyboard.press("?")
    expect(viewer.page.get_by_role("dialog", name="Keys")).to_be_visible()

    assert not found + faults(viewer.page)


def test_axe_finds_nothing_where_one_signs_in(context, shop):
    page = context.new_page()
    page.goto(shop.address)
    expect(page.get_by_label("Token")).to_be_visible()

    assert not faults(page)
