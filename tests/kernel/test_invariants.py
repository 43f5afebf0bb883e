# ruff: noqa: E501 -- a document reads best in one piece
"""The invariants say what is wrong; that they hold is checked by the driver after every step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from driver import Run, run

from batuta.kernel import invariants
from batuta.kernel.ears import REMEMBERED
from batuta.kernel.events import Performed
from batuta.kernel.state import (
    Branch,
    CallState,
    Ears,
    ForkState,
    Owed,
    RunState,
    Token,
    WaitState,
)

TEXT = """
do:
  - a: { call: a, metadata: { compensate: { call: undo } } }
  - s:
      timeout: { after: PT9S }
      do:
        - f: { fork: { branches: [ { b: { call: b } }, { w: { wait: PT1S } }, { l: { listen: { to: { any: [] } } } } ] } }
"""

replace = msgspec.structs.replace
ROOT, FIRST = "", "/do/1/s/do/0/f/branches/0"


@pytest.fixture
def forked() -> Run:
    return run(TEXT, answers={"a": 1})


def problems(one: Run, state: RunState, **more: Any) -> set[int]:
    asked = more.get("asked", set(one.ledger.asked))
    subscribed = more.get("subscribed", set(one.ledger.subscribed))
    found = invariants.check(one.program, state, asked, subscribed)
    numbers = {int(text.partition(":")[0]) for text in found}
    assert numbers <= invariants.TRUTHS.keys()
    return numbers


def with_token(state: RunState, token_id: str, **changes: Any) -> RunState:
    token = replace(state.tokens[token_id], **changes)
    return replace(state, tokens={**state.tokens, token_id: token})


def with_frame(of: RunState, token_id: str, /, **changes: Any) -> RunState:
    frame = of.tokens[token_id].frame
    assert frame is not None
    return with_token(of, token_id, frame=replace(frame, **changes))


def without(state: RunState, token_id: str) -> RunState:
    return replace(state, tokens={k: v for k, v in state.tokens.items() if k != token_id})


def test_a_state_of_a_run_breaks_none(forked):
    assert problems(forked, forked.state) == set()


def test_tokens_of_a_run_that_is_over_are_found(forked):
    assert problems(forked, replace(forked.state, status="completed", ended=1)) == {1}
    assert problems(forked, replace(forked.state, tokens={}), asked=(), subscribed=()) == {1}
    assert problems(forked, replace(forked.state, status="pending")) == {1}


def test_a_token_under_another_id_is_found(forked):
    tokens = {**forked.state.tokens, "other": forked.state.tokens[FIRST]}
    assert 2 in problems(forked, replace(forked.state, tokens=tokens))


def test_a_detached_token_that_performs_nothing_is_found(forked):
    odd = Token("/detached/x", frame=forked.state.tokens[ROOT].frame, owner="/detached")
    assert 2 in problems(forked, replace(forked.state, tokens={**forked.state.tokens, odd.id: odd}))


def test_a_branch_without_its_fork_is_found(forked):
    assert 3 in problems(forked, with_token(forked.state, FIRST, owner="nobody"))
    done = ForkState((Branch("completed"), Branch(), Branch()))
    assert problems(forked, with_frame(forked.state, ROOT, state=done)) == {3, 4}


def test_a_running_branch_without_a_token_is_found(forked):
    found = problems(forked, without(forked.state, FIRST))
    assert found == {4, 6}


def test_a_token_that_waits_for_nothing_is_found(forked):
    assert problems(forked, with_frame(forked.state, FIRST, state=None)) == {5, 6}
    assert 5 in problems(forked, with_token(forked.state, FIRST, frame=None))
    wait = "/do/1/s/do/0/f/branches/1"
    assert problems(forked, with_frame(forked.state, wait, due=None)) == {5}


def test_an_answer_that_nobody_waits_for_is_found(forked):
    assert problems(forked, forked.state, asked={"/do/9/x"}) == {6}


def test_a_subscription_that_no_listen_wants_is_found(forked):
    assert problems(forked, forked.state, subscribed=()) == {7}


def test_a_state_of_another_kind_of_task_is_found(forked):
    assert 8 in problems(forked, with_frame(forked.state, FIRST, state=WaitState(), due=1))
    assert 8 in problems(forked, with_frame(forked.state, FIRST, at="/nowhere"))
    assert problems(forked, with_token(forked.state, FIRST, entering="/nowhere")) == {6, 8}


def test_a_frame_that_would_sleep_through_a_deadline_is_found(forked):
    assert problems(forked, with_frame(forked.state, FIRST, wake=None)) == {9}


def test_a_path_that_does_not_fit_its_scope_is_found(forked):
    assert {6, 10} == problems(forked, with_frame(forked.state, FIRST, path="[1]", inner="[1]"))


def test_a_debt_without_a_compensation_is_found(forked):
    (owed,) = forked.state.tokens[ROOT].log
    assert problems(forked, with_token(forked.state, ROOT, log=(owed, owed))) == {11}
    odd = Owed("/do/1/s", "", None, None)
    assert problems(forked, with_token(forked.state, ROOT, log=(odd,))) == {11}
    joined = ForkState((Branch(log=(odd,)), Branch(), Branch()))
    assert problems(forked, with_frame(forked.state, ROOT, state=joined)) == {11}


def test_a_suspension_without_a_beginning_is_found(forked):
    assert problems(forked, replace(forked.state, status="suspended")) == {12}
    assert problems(forked, replace(forked.state, held=(Performed("", "x"),))) == {12}


def test_a_memory_without_bounds_is_found(forked):
    ears = Ears(tuple(range(REMEMBERED + 1)))
    assert problems(forked, with_token(forked.state, ROOT, ears=ears)) == {13}


def test_an_end_without_a_time_or_a_reason_is_found(forked):
    over = replace(forked.state, tokens={}, status="faulted")
    assert problems(forked, replace(over, ended=None)) == {14}
    assert problems(forked, replace(over, ended=1)) == {14}
    assert problems(forked, replace(over, status="cancelled", ended=1, output=5)) == {14}


def test_a_call_that_is_under_way_is_told_from_one_that_is_only_entered(forked):
    frame = forked.state.tokens[FIRST].frame
    assert frame is not None
    assert isinstance(frame.state, CallState)
