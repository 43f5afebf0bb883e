"""Messages and hops are counted by what each message is for."""

import json

import pytest

from batuta.insight.traffic import Traffic, on_bus, under_conductor
from batuta.kernel.events import BranchEnded, Facts
from batuta.kernel.tokens import Branch
from batuta.ports.bus import Delivered
from batuta.runtime.shared.envelope import Hand, encode

FACTS = Facts("r")


def message(kind, **attributes):
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": kind, **attributes}
    return Delivered(1, "1", kind, json.dumps(event).encode())


def hand(**parts):
    return encode(Hand(FACTS, **parts)).decode()


@pytest.mark.parametrize(
    ("one", "hops"),
    [
        (message("batuta.t.w.start", batutarun="r"), 1),
        (
            message(
                "batuta.t.w.a.completed",
                batutarun="r",
                batutahand=hand(branches=(BranchEnded("", "", Branch()),), keepers=("k",)),
            ),
            1,
        ),
        (message("batuta.t.w.a.requested", batutarun="r", batutakey="k"), 1),
        (message("batuta.t.w.ended", batutarun="r", batutahand=hand()), 0),
        (message("batuta.t.w.progress", batutarun="r", batutahand=hand()), 0),
        (message("batuta.t.w.control", batutarun="r", data={"what": "cancel"}), 0),
    ],
    ids=lambda one: one.type if isinstance(one, Delivered) else None,
)
def test_a_hop_is_what_the_run_waits_for(one, hops):
    assert on_bus([one]) == Traffic(1, hops)


def test_what_is_about_no_run_or_cannot_be_read_is_not_counted():
    assert on_bus([message("com.example.seen"), Delivered(1, "1", "x", b"no JSON")]) == Traffic(
        0, 0
    )


def test_under_a_conductor_each_task_of_a_participant_is_a_request_and_an_answer():
    assert under_conductor(["call", "set", "try", "run", "wait"]) == Traffic(4, 4)
