"""Dead letters over HTTP: by their reasons, taken again, mended, or discarded."""

import json

import pytest

from batuta.ports.mail import Parked
from batuta.ports.store import Batch

EVENT = {"specversion": "1.0", "id": "1", "source": "/t", "type": "x", "data": {"n": "one"}}


def letter(number, reason="no JSON", **event):
    body = json.dumps({**EVENT, "id": str(number), **event}).encode()
    return Parked(at=number, why="dead", reason=reason, id=f"m{number}", type="x", body=body)


@pytest.fixture
def box(served, tmp_path):
    """The name of the store in which four messages were put aside."""
    batch = Batch()
    batch.parked += [letter(1), letter(2), letter(3, reason="other"), letter(4)]
    home = served.around.homes()["batuta"]
    home.store.commit(batch)
    return "batuta"


async def test_letters_are_listed_page_by_page_and_grouped(served, box):
    first = await served.get("/dead-letters", limit=3)
    rest = await served.get("/dead-letters", limit=3, after=first["next"])
    groups = await served.get("/dead-letters/groups")

    assert [one["id"] for one in first["items"] + rest["items"]] == [
        f"{box}/{number}" for number in (1, 2, 3, 4)
    ]
    assert rest["next"] is None
    assert first["items"][0]["event"]["data"] == {"n": "one"}
    assert [(one["reason"], one["count"], one["sample"]) for one in groups] == [
        ("no JSON", 3, f"{box}/4"),
        ("other", 1, f"{box}/3"),
    ]


async def test_letters_are_taken_again_or_discarded(served, box):
    await served.post("/dead-letters/redrive", {"ids": [f"{box}/1", f"{box}/2"]})
    await served.post("/dead-letters/discard", {"ids": [f"{box}/3"], "reason": "a test"})
    again = await served.get("/dead-letters", status="again")
    dead = await served.get("/dead-letters")
    await served.engine.conductor.durable()
    (noted,) = (await served.get("/audit", target=f"{box}/3"))["items"]

    assert [one["id"] for one in again["items"]] == [f"{box}/1", f"{box}/2"]
    assert [one["id"] for one in dead["items"]] == [f"{box}/4"]
    assert noted["detail"] == {"message": "m3", "reason": "a test"}


async def test_a_letter_is_mended_and_taken_again(served, box):
    mended = EVENT | {"data": {"n": 1}}
    done = await served.post(f"/dead-letters/{box}/1/redrive", {"body": mended})
    again = await served.get("/dead-letters", status="again")

    assert done["event"]["data"] == {"n": 1}
    assert [one["event"] for one in again["items"]] == [mended]


async def test_a_letter_stays_the_same_event(served, box):
    other = await served.post(
        f"/dead-letters/{box}/1/redrive", {"body": EVENT | {"id": "9"}}, status=422
    )

    assert "this event's is '1'" in other["detail"]


@pytest.mark.parametrize(("ids", "status"), [(["batuta/9"], 404), (["x"], 422), ([], 422)])
async def test_letters_that_there_are_not_are_refused(served, ids, status):
    for verb in ("redrive", "discard"):
        await served.post(f"/dead-letters/{verb}", {"ids": ids}, status=status)
