"""What operators do besides runs: dead letters, participants that are silent, the map, and more."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from playwright.sync_api import expect

from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.ports.bus import Message

pytestmark = pytest.mark.browser

START = "batuta.shop.order.start"


def on_bus(shop, work):
    """Do something with the shop's bus, as a stranger would."""

    async def working():
        bus = SqliteBus(shop.folder / "bus.db", SystemClock())
        await bus.start()
        try:
            return await work(bus)
        finally:
            await bus.close()

    # Playwright's own loop runs in this thread.
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(lambda: asyncio.run(working())).result()


def send(shop, *bodies):
    """Put messages on the shop's bus that say that a run starts."""
    messages = [Message(sha256(body.encode()).hexdigest(), START, body.encode()) for body in bodies]
    on_bus(shop, lambda bus: bus.publish(messages))


def start_of(shop, run):
    """Return the event that has started a choreographed run."""
    page = on_bus(shop, lambda bus: bus.history(after=0, limit=500))
    ours = (one.body for one in page if one.type == START and run.encode() in one.body)
    return json.loads(next(ours))


def letters(shop, count):
    """Wait until participants have put so many letters aside."""
    return shop.until("/dead-letters", lambda found: len(found["items"]) >= count)


def test_dead_letters_are_found_by_reason_mended_and_taken_again(viewer, shop, picture):
    event = start_of(shop, shop.run("o-lost", "choreographed"))
    run = event["batutarun"][:-4] + "LOST"
    lost = {**event, "id": "lost-1"}
    del lost["batutarun"]
    send(shop, json.dumps(lost), "no event", "nor this", '{"id": "half an event"}')
    letters(shop, 8)  # the order desk and the warehouse hear of starts
    viewer.go("/dead")
    expect(viewer.page.get_by_role("group", name="Reasons").get_by_role("row")).to_have_count(7)
    picture("dead-letters")

    reason = viewer.page.get_by_role("row", name="orders it names no run")
    reason.get_by_text("it names no run").click()
    viewer.page.get_by_role("group", name="Letters").get_by_role("button", name="orders/").click()
    viewer.page.get_by_role("button", name="Edit and redrive…").click()
    viewer.write("Event", json.dumps(lost | {"batutarun": run}, indent=2))
    viewer.page.get_by_role("button", name="Show what was changed").click()
    expect(viewer.page.get_by_label("What was changed").last).to_contain_text(run)
    viewer.page.get_by_role("button", name="Redrive as edited").scroll_into_view_if_needed()
    picture("dead-letter-edited", "dark")
    viewer.page.get_by_role("button", name="Redrive as edited").click()
    expect(viewer.page.get_by_text("will be taken again")).to_be_visible()
    expect(reason).to_have_count(0)

    viewer.run_screen(run)
    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")


def test_dead_letters_are_discarded_for_a_reason(viewer, shop):
    send(shop, "nonsense")
    letters(shop, 2)
    viewer.go("/dead")
    viewer.page.get_by_text("no CloudEvent").first.click()
    viewer.page.get_by_role("button", name="Discard").first.click()
    viewer.page.get_by_label("Why nobody needs them").fill("sent by a test")
    viewer.page.get_by_role("dialog").get_by_role("button", name="Discard", exact=True).click()

    expect(viewer.page.get_by_text("discarded")).to_be_visible()
    viewer.go("/settings")
    expect(viewer.page.get_by_role("group", name="Changes")).to_contain_text("sent by a test")


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
def test_a_participant_that_is_killed_is_shown_and_its_runs_are_stuck(
    viewer, shop, picture, control
):
    shop.participant("depot")
    viewer.go("/participants")
    row = viewer.page.get_by_role("row", name="depot")
    expect(row).to_contain_text("a process of its own")
    shop.kill("depot")
    for number in range(4):
        shop.run(f"kept-{control}-{number}", control, cents=900)
    body = {"workflow": "shop/parcel", "control": control, "input": {"parcel": f"p-{control}"}}
    run = shop.ask("POST", "/runs", body)["id"]

    expect(row).to_contain_text("silent")
    viewer.run_screen(run)
    expect(viewer.page.locator(".head:visible")).to_contain_text("stuck")
    waited = viewer.page.get_by_role("region", name="Expected next")
    expect(waited).to_contain_text("depot")
    expect(waited).to_contain_text("late by")
    picture(f"stuck-{control}", "dark" if control == "choreographed" else "light")
    viewer.go("/runs?stuck=true")
    expect(viewer.page.get_by_role("link", name=run)).to_be_visible()
    viewer.go("/")
    late = viewer.page.get_by_role("list", name="Near or past their time")
    expect(late.get_by_role("listitem").filter(has_text=run)).to_contain_text("breached")
    picture("sla-board")

    shop.participant("depot")
    viewer.run_screen(run)
    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")
    shop.kill("depot")


def test_the_map_tells_who_tells_whom_what_and_how_often(viewer, shop, picture):
    for number in range(6):
        control = "choreographed" if number % 2 else "orchestrated"
        shop.run(f"map-{number}", control, cents=13 if number == 5 else 900)
    viewer.go("/map")
    edges = viewer.page.get_by_role("complementary", name="Events between participants")
    edges.get_by_role("button", name="inventory payments").click()
    expect(edges).to_contain_text("com.shop.stock.reserved.v1")
    assert "edge=" in viewer.page.url
    edges.get_by_role("button", name="Show all").click()
    expect(edges.get_by_role("button", name="conductor payments")).to_be_visible()
    picture("map")


def test_what_starts_runs_by_itself_is_listed(viewer):
    viewer.go("/triggers")

    expect(viewer.page.get_by_role("row", name="shop/report")).to_contain_text("6 h")


def test_what_there_is_to_connect_is_listed(viewer):
    viewer.go("/catalogue")
    expect(viewer.page.get_by_text("com.shop.order.approved.v1")).to_be_visible()
    viewer.page.get_by_role("tab", name="Functions").click()

    expect(viewer.page.get_by_role("row", name="charge")).to_contain_text("Charge a card")
