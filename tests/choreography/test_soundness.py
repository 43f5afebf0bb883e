"""No run goes a way that the projection does not foresee."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
from driver import fault
from hypothesis import HealthCheck, event, given, settings
from observer import ObservedRun, unforeseen

from batuta.choreography import project
from batuta.definition import check
from batuta.kernel.events import Failed, Performed
from batuta.kernel.program import compile_workflow
from batuta.kernel.state import SUSPENDED, TERMINAL
from batuta.testing.generator import EVENT_TYPES, workflows

WHO = ("desk", "store", "bank", "fleet")
MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["answer"] * 8 + ["fail"] * 4 + ["send"] * 3 + ["advance"] * 4 + ["cancel"]
        ),
        st.integers(0, 7),
    ),
    min_size=4,
    max_size=40,
)


def observed(document: dict[str, Any], data: Any, moves: list[tuple[str, int]]) -> ObservedRun:
    report = check(json.dumps(document))
    assert report.workflow is not None
    projection = project(report.workflow)
    run = ObservedRun(compile_workflow(report.workflow), projection)
    run.start(data)
    for what, number in [*moves, *[("answer", 0), ("send", 1), ("send", 0), ("advance", 3)] * 6]:
        if run.status in TERMINAL or run.status == SUSPENDED:
            break
        asked = list(run.ledger.asked.values())
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
            case "cancel" if number > 6:
                run.cancel()
            case _:
                pass
    return run


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200, deadline=None)
@given(
    document=workflows(participants=WHO),
    data=st.sampled_from([None, {"a": 1}, [1]]),
    moves=MOVES,
)
def test_every_way_that_a_random_run_takes_is_foreseen(document, data, moves):
    run = observed(document, data, moves)
    event(f"{min(len(run.observer.found), 10)} hand-overs")
    assert unforeseen(run.observer.projection, run.observer.found) == []
