"""A place where nothing is yet: each screen says what to do, and the way in is the team's own."""

import pytest
from playwright.sync_api import expect

from .conftest import Shop
from .test_axe import faults, settled

pytestmark = pytest.mark.browser

SETTINGS = """
[server.oidc]
issuer = "https://login.example.com"
client_id = "batuta"

[[server.oidc.grants]]
value = "staff"
role = "viewer"
"""
NOBODYS = """
document: { dsl: '1.0.3', namespace: hello, name: greet, version: '1.0.0' }
do:
  - greet: { set: { greeting: hello } }
"""
NEXT = {
    "/": ("Health", "batuta run greeting.yaml"),
    "/runs": ("Runs", "batuta run greeting.yaml"),
    "/runs/nothing": ("Run", "batuta runs show nothing"),
    "/map": ("Live map", "batuta up ."),
    "/dead": ("Dead letters", "batuta dead list"),
    "/participants": ("Participants", "metadata: { participant: payments }"),
    "/triggers": ("Triggers", "schedule: { every: { minutes: 5 } }"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _page_is_built):
    """A folder with settings and a workflow that nobody takes part in, and that never ran."""
    folder = tmp_path_factory.mktemp("page") / "empty"
    folder.mkdir()
    (folder / "batuta.toml").write_text(SETTINGS)
    (folder / "greet.yaml").write_text(NOBODYS)
    made = Shop(folder)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("place", NEXT)
def test_an_empty_screen_gives_the_next_command(viewer, place):
    title, command = NEXT[place]
    viewer.go(place)
    settled(viewer.page, title)

    expect(viewer.page.get_by_text(command, exact=True)).to_be_visible()
    assert not faults(viewer.page)


def test_who_has_no_session_is_led_to_the_teams_own_login(context, shop):
    page = context.new_page()
    page.goto(shop.address)
    link = page.get_by_role("link", name="Log in with your organisation")

    expect(link).to_have_attribute("href", "/auth/login")
    assert not faults(page)
