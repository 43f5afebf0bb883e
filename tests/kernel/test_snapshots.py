"""Snapshots: that they hold a value once, and that those of earlier releases can be read."""

import msgspec

from batuta.kernel.codec import Outstanding, decode_snapshot, encode_snapshot
from batuta.kernel.commands import Perform
from batuta.kernel.state import Frame, Owed, RunState, Token

LARGE = {"text": "x" * 10_000}


def state(value):
    frame = None
    for depth in range(5):
        frame = Frame(f"/do/{depth}/x", "", value, value, 1, frame, variables={"item": value})
    log = (Owed("/do/0/y", "", value, value),)
    return RunState("r", tokens={"": Token("", value, frame, log)}, input=value)


def asked(value):
    perform = Perform("", "k", "/do/0/x", "x", "http", "", {}, value, None, "k", 1, None, None)
    return Outstanding(performs=(perform,))


def test_a_value_that_stands_in_many_places_is_written_once():
    data = encode_snapshot(state(LARGE), asked(LARGE))

    assert len(data) < 15_000
    assert decode_snapshot(data) == (state(LARGE), asked(LARGE))


def test_equal_values_are_one_wherever_they_came_from():
    copied = msgspec.json.decode(msgspec.json.encode(LARGE))

    assert encode_snapshot(state(LARGE), asked(copied)) == encode_snapshot(
        state(copied), asked(LARGE)
    )


def test_a_snapshot_without_a_shelf_holds_the_values_themselves():
    frame = Frame("/do/0/x", "", 7, 8, 1, variables={"item": 9})
    bare = RunState("r", tokens={"": Token("", 6)}, input=5)
    old = msgspec.json.encode(
        {"state": bare, "stacks": {"": [frame]}, "outstanding": Outstanding()}
    )

    restored, _ = decode_snapshot(old)

    assert restored == RunState("r", tokens={"": Token("", 6, frame)}, input=5)
