"""The frame around every screen: signing in, the keyboard, looks, and how large it is."""

import gzip
import re

import pytest
from playwright.sync_api import expect

from .conftest import BUILT

pytestmark = pytest.mark.browser

MOST_BYTES = 450_000


def test_without_a_token_one_is_asked_for_and_a_wrong_one_is_refused(context, shop):
    page = context.new_page()
    page.goto(shop.address)
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("not known")).to_be_visible()
    page.get_by_label("Token").fill(shop.token)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("navigation", name="Screens")).to_be_visible()


def test_the_token_does_not_stay_in_the_address_nor_where_scripts_see_it(viewer, shop):
    seen = "document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"

    assert shop.token not in viewer.page.url
    assert shop.token not in viewer.page.evaluate(seen)


def test_signing_out_leads_back_to_the_token(viewer):
    viewer.go("/settings")
    viewer.page.get_by_role("button", name="Sign out").click()

    expect(viewer.page.get_by_label("Token")).to_be_visible()


def test_the_keyboard_leads_everywhere(viewer, shop):
    first, second = (shop.run(f"keys-{number}") for number in range(2))
    keyboard = viewer.page.keyboard
    expect(viewer.page).to_have_title("Health · Batuta")
    keyboard.press("g")
    keyboard.press("r")
    expect(viewer.page.get_by_role("heading", name="Runs")).to_be_visible()
    keyboard.press("/")
    expect(viewer.page.get_by_label("Search runs")).to_be_focused()
    keyboard.type("keys-")
    expect(viewer.page).to_have_url(re.compile("q=keys-"))
    expect(viewer.page.get_by_role("row")).to_have_count(3)
    keyboard.press("Escape")
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("k")
    keyboard.press("Enter")
    expect(viewer.page.locator(".run-id")).to_have_text(second)
    keyboard.press("?")
    expect(viewer.page.get_by_role("dialog", name="Keys")).to_contain_text("next task")
    keyboard.press("Escape")
    keyboard.press("ControlOrMeta+k")
    expect(viewer.page.get_by_role("combobox", name="Find and do")).to_be_focused()
    keyboard.type("trig")
    expect(viewer.page.get_by_role("option", selected=True)).to_contain_text("Triggers")
    keyboard.press("Enter")

    expect(viewer.page.get_by_role("heading", name="Triggers")).to_be_visible()
    assert first != second


def test_a_run_is_found_by_its_business_key_from_anywhere(viewer, shop):
    run = shop.run("palette-77")
    viewer.page.keyboard.press("ControlOrMeta+k")
    expect(viewer.page.get_by_role("combobox", name="Find and do")).to_be_focused()
    viewer.page.keyboard.type("palette-77")
    viewer.page.get_by_role("option", name=run).click()

    expect(viewer.page.locator(".run-id")).to_have_text(run)


def test_looks_and_times_are_chosen_and_kept(viewer, shop):
    shop.run("looks")
    viewer.go("/settings")
    viewer.page.get_by_role("button", name="Dark").click()
    viewer.page.get_by_role("button", name="UTC").click()
    viewer.page.reload()
    viewer.go("/runs")

    expect(viewer.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(viewer.page.get_by_role("cell").locator("time").first).to_contain_text("Z")


def test_nothing_that_the_page_is_made_of_is_larger_than_it_may_be():
    parts = [*(BUILT / "assets").glob("*.js"), *(BUILT / "assets").glob("*.css")]
    size = sum(len(gzip.compress(part.read_bytes(), 9)) for part in parts)

    assert parts
    assert size < MOST_BYTES


def test_no_script_stands_in_the_page_itself():
    text = (BUILT / "index.html").read_text(encoding="utf-8")

    assert text.count("<script") == text.count('<script type="module" crossorigin src="/assets/')
    assert "style=" not in text
