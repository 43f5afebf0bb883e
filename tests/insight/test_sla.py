"""What is promised, when there is something to tell of it, and what."""

import msgspec
import pytest

from batuta.insight.sla import event_of, note, promise_of_run, stuck_event, to_tell, under_way
from batuta.kernel.events import Started
from batuta.kernel.step import BEHAVIOUR, NEW, step
from batuta.ports.sla import BROKEN, KEPT, OPEN, WARNED, Notes, Promise

TEXT = """
do:
  - plain: { set: { n: 1 } }
  - both:
      metadata: { sla: { within: PT9S } }
      do:
        - charge:
            call: charge
            with: {}
            metadata: { participant: cards, sla: { within: PT2S, warn: PT1S } }
"""
CHARGE = "/do/1/both/do/0/charge"


@pytest.fixture
def promised(program, told):
    return told(program(TEXT, "sla: { within: PT1M, warn: PT30S }"))


def noted(told):
    notes = Notes()
    note(told.program, "r1", "choreographed", told.reports, notes)
    return notes


def test_a_program_says_whether_anything_is_promised(program, promised):
    assert promised.program.promises
    assert program("do: [ { a: { set: { n: 1 } } } ]").promises is False
    assert program("do: [ { a: { set: { n: 1 } } } ]", "sla: { within: PT1S }").promises


def test_a_run_as_a_whole_may_be_promised(program, promised):
    promise = promise_of_run(promised.program, "r1", "orchestrated", 1_000)
    assert (promise.key, promise.warn_at, promise.due_at) == ("", 31_000, 61_000)
    assert not promise.acts
    assert promise_of_run(program("do: []"), "r1", "orchestrated", 1) is None


def test_a_promise_begins_when_a_task_does_and_ends_with_it(promised):
    promised.done("/do/0/plain").tell("started", "/do/1/both")
    promised.tell("started", CHARGE).tell("faulted", CHARGE)
    notes = noted(promised)
    assert [(one.key, one.since, one.acts) for one in notes.made] == [
        ("/do/1/both", 1_003, False),
        (CHARGE, 1_004, True),
    ]
    assert (notes.made[1].warn_at, notes.made[1].due_at) == (2_004, 3_004)
    assert (notes.made[1].participant, notes.made[1].name) == ("cards", "charge")
    assert notes.ended == [("r1", CHARGE, 1_005)]


def test_an_event_that_a_task_hears_does_not_end_its_promise(promised):
    promised.done("/do/0/plain").tell("started", "/do/1/both")
    promised.tell("started", CHARGE).tell("heard", CHARGE)
    assert noted(promised).ended == []


def test_a_promise_begins_when_control_goes_to_the_participant(promised):
    promised.tell("handed", CHARGE, at=500).tell("started", CHARGE, at=900)
    assert [one.since for one in noted(promised).made] == [500, 900]  # the first stays


def test_another_attempt_is_promised_on_its_own(promised):
    promised.tell("retried", CHARGE).tell("started", CHARGE, "+1")
    notes = noted(promised)
    assert [one.key for one in notes.made] == [f"{CHARGE}+1"]
    assert notes.ended == []


def test_what_is_under_way_in_a_run_with_a_history_is_promised_anew(promised):
    program = promised.program
    state = step(program, NEW, Started("r1", {}, behaviour=BEHAVIOUR), 1_000).state
    found = under_way(program, state, 50_000)
    assert {one.key: one.due_at for one in found} == {"/do/1/both": 59_000, CHARGE: 52_000}
    assert {one.participant for one in found} == {None, "cards"}


PROMISE = Promise(
    run="r1",
    key=CHARGE,
    workflow="t/w:1.0.0",
    control="orchestrated",
    reference=CHARGE,
    name="charge",
    participant="cards",
    acts=True,
    since=1_000,
    warn_at=2_000,
    due_at=3_000,
)


@pytest.mark.parametrize(
    ("changes", "now", "what", "state"),
    [
        ({}, 1_999, None, OPEN),
        ({}, 2_000, WARNED, OPEN),
        ({"warn_at": None}, 2_999, None, OPEN),
        ({"warn_at": None}, 3_000, BROKEN, OPEN),
        ({"warned_at": 2_001}, 2_999, None, WARNED),
        ({"warned_at": 2_001}, 3_000, BROKEN, WARNED),
        # Nobody was there in time: what is worse counts.
        ({}, 9_000, BROKEN, OPEN),
        ({"breached_at": 3_001}, 9_000, None, BROKEN),
        ({"ended_at": 2_500}, 9_000, None, KEPT),
        ({"ended_at": 3_000}, 9_000, None, KEPT),
        ({"ended_at": 3_001}, 9_000, BROKEN, KEPT),
    ],
)
def test_what_is_to_be_told_follows_from_the_promise_and_the_time(changes, now, what, state):
    promise = msgspec.structs.replace(PROMISE, **changes)
    assert to_tell(promise, now) == what
    assert promise.state == state


def test_an_event_of_a_promise_has_the_same_id_whoever_tells_it():
    one, other = event_of(PROMISE, BROKEN, 3_000), event_of(PROMISE, BROKEN, 9_999)
    assert one["type"] == "io.batuta.sla.breached.v1"
    assert one["id"] == other["id"] != event_of(PROMISE, WARNED, 3_000)["id"]
    assert one["subject"] == "r1"
    assert one["data"]["dueAt"] == "1970-01-01T00:00:03.000Z"
    assert one["data"]["endedAt"] is None


def test_an_event_of_a_stuck_run_is_another_when_it_is_stuck_again():
    data = {"reference": CHARGE}
    told = [stuck_event("r1", "t/w:1.0.0", "orchestrated", 9, data, since) for since in (1, 1, 2)]
    assert told[0]["id"] == told[1]["id"] != told[2]["id"]
    assert told[0]["type"] == "io.batuta.run.stuck.v1"
