"""Random workflows under random answers, faults, events and times.

After every step the driver checks that the invariants hold, that a replay and a restored snapshot
are in the same state and ask for the same, that the step changed nothing it was given, and that
contradictory events change nothing. Here it is also shown that every run can be brought to an end.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import hypothesis.strategies as st
from driver import Run, fault
from hypothesis import HealthCheck, event, given, settings

from batuta.definition import check
from batuta.kernel.events import Failed, Performed
from batuta.kernel.frames import occurrence_path
from batuta.kernel.program import compile_workflow
from batuta.kernel.state import SUSPENDED, TERMINAL
from batuta.testing.generator import EVENT_TYPES, workflows

if TYPE_CHECKING:
    from batuta.kernel.commands import Perform, StartChild
    from batuta.kernel.lifecycle import Happened

ROUNDS = 60
"""Rounds of answering, sending and waiting that any run ends within, unless it listens for ever."""

MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["answer"] * 9 + ["fail"] * 3 + ["send"] * 3 + ["advance"] * 3 + ["suspend", "cancel"]
        ),
        st.integers(0, 7),
    ),
    max_size=25,
)


def compiled(document: dict):
    report = check(json.dumps(document))
    assert report.workflow is not None, "\n".join(one.render() for one in report.problems)
    return compile_workflow(report.workflow)


def outstanding(run: Run) -> list[Perform | StartChild]:
    return list(run.ledger.asked.values())


def move(run: Run, what: str, number: int) -> None:
    asked = outstanding(run)
    match what:
        case "answer" if asked:
            one = asked[number % len(asked)]
            run.take(Performed(one.token, one.key, {"answer": number}))
        case "fail" if asked:
            one = asked[number % len(asked)]
            run.take(Failed(one.token, one.key, fault(status=500 + number)))
        case "send":
            run.send(EVENT_TYPES[number % 3], {"key": number % 2} if number > 3 else "text")
        case "advance":
            run.advance((1, 400, 1_000, 5_000)[number % 4])
        case "suspend":
            if run.status == SUSPENDED:
                run.resume()
            else:
                run.suspend()
        case "cancel" if number > 5:
            run.cancel(compensate=number % 2 == 0)
        case _:
            pass


def bring_to_an_end(run: Run, rounds: int) -> bool:
    """Answer, send and wait until the run ends; says whether it did."""
    for number in range(rounds):
        if run.status in TERMINAL:
            return True
        if run.status == SUSPENDED:
            run.resume()
        for one in outstanding(run):
            run.take(Performed(one.token, one.key, {"answer": number}))
        if run.status not in TERMINAL:
            run.send(EVENT_TYPES[number % 3], {"key": number // 3 % 2})
            run.advance(1_000)
    return run.status in TERMINAL


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150, deadline=None)
@given(document=workflows(), data=st.sampled_from([None, {"a": 1}, [1]]), moves=MOVES)
def test_a_random_run_keeps_every_promise_and_can_be_brought_to_an_end(document, data, moves):
    run = Run(compiled(document)).start(data)
    for what, number in moves:
        move(run, what, number)
    if not bring_to_an_end(run, ROUNDS):
        # It listens to what nobody sends any more: such a run ends when it is told to.
        run.cancel()
        assert bring_to_an_end(run, ROUNDS), "a cancelled run that is answered does not end"
    event(run.status)
    if run.state.fault is not None:
        event(f"fault {run.fault.type.rpartition('/')[2]}")


def still_owed(run: Run, watch: list[Happened]) -> set[str]:
    """Return the occurrences that completed and were not undone since, as the timeline tells it."""
    owed: set[str] = set()
    for one in watch:
        if one.what != "completed":
            continue
        occurrence = occurrence_path(one.path)
        if one.reference.endswith("/metadata/compensate"):
            owed.discard(one.reference.removesuffix("/metadata/compensate") + occurrence)
        elif run.program.nodes[one.reference].compensate is not None:
            owed.add(one.reference + occurrence)
    return owed


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150, deadline=None)
@given(
    document=workflows(kinds=("call", "set", "do", "for", "fork", "try", "raise", "wait")),
    moves=MOVES,
)
def test_cancelling_undoes_exactly_what_completed_and_was_not_undone(document, moves):
    run = Run(compiled(document)).start({})
    for what, number in moves:
        if what != "cancel":
            move(run, what, number)
    if run.status in TERMINAL:
        return
    told = len(run.watch)
    run.cancel()
    # What was answered while the run was suspended completes before anything is undone.
    began = itertools.takewhile(
        lambda one: "/metadata/compensate" not in one.reference, run.watch[told:]
    )
    owed = still_owed(run, [*run.watch[:told], *began])
    assert bring_to_an_end(run, ROUNDS)
    assert run.status == "cancelled"
    undone = [
        one.reference.removesuffix("/metadata/compensate") + occurrence_path(one.path)
        for one in run.watch[told:]
        if one.what == "completed" and one.reference.endswith("/metadata/compensate")
    ]
    event(f"{len(owed)} owed")
    assert sorted(undone) == sorted(owed)


@settings(max_examples=30, deadline=None)
@given(document=workflows(participants=("desk", "store")))
def test_every_generated_document_passes_the_checks(document):
    assert check(json.dumps(document)).workflow is not None
