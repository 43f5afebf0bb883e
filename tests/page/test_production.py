"""In production the page says so, and asks again before what cannot be undone."""

import shutil

import pytest
from playwright.sync_api import expect

from .conftest import SHOP, Shop

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _page_is_built):
    """The shop, in production."""
    folder = tmp_path_factory.mktemp("page") / "shop"
    shutil.copytree(SHOP, folder)
    with (folder / "batuta.toml").open("a") as settings:
        settings.write("[server]\nproduction = true\n")
    made = Shop(folder)
    made.start()
    yield made
    made.stop()


def test_a_run_is_cancelled_only_by_who_means_it(viewer, shop):
    run = shop.run("dear", cents=90_000)
    viewer.run_screen(run)
    expect(viewer.page.locator(".side").get_by_text("production")).to_be_visible()
    viewer.page.get_by_role("button", name="Cancel…").click()
    cancel = viewer.page.get_by_role("button", name="Cancel the run")
    expect(cancel).to_be_disabled()
    viewer.page.get_by_label("This is production, and it is meant").check()
    cancel.click()

    expect(viewer.page.locator(".head:visible")).to_contain_text("cancelled")


def test_many_runs_are_cancelled_only_by_who_means_it(viewer, shop):
    run = shop.run("dear-bulk", cents=90_000)
    viewer.go("/runs?q=dear-bulk")
    viewer.page.get_by_label(f"Choose run {run}").check()
    viewer.page.get_by_role("button", name="Do with these…").click()
    retry = viewer.page.get_by_role("button", name="retry 1 run")
    expect(retry).to_be_enabled()
    viewer.page.get_by_label("cancel").first.check()

    expect(viewer.page.get_by_role("button", name="cancel 1 run")).to_be_disabled()
