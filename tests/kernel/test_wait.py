# ruff: noqa: E501 -- a document reads best in one piece
"""`wait`: pauses by the clock."""

from __future__ import annotations

import pytest
from driver import run


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [("PT1M30S", 90_000), ("{ minutes: 1, seconds: 30 }", 90_000), ("{ milliseconds: 5 }", 5)],
)
def test_a_wait_ends_at_its_time_and_not_before(duration, milliseconds):
    waits = run(f"do: [ {{ w: {{ wait: {duration} }} }} ]", {"x": 1})
    assert waits.state.wake == waits.now + milliseconds
    assert waits.advance(milliseconds - 1).status == "running"
    assert waits.advance(1).output == {"x": 1}


@pytest.mark.parametrize("value", ["PT2S", {"seconds": 2}])
def test_a_computed_wait_may_be_text_or_an_object(value):
    waits = run("do: [ { w: { wait: '${ .for } ' } } ]", {"for": value})
    assert waits.advance(1_999).status == "running"
    assert waits.advance(1).status == "completed"


def test_a_computed_wait_sees_input_and_task():
    text = """do: [ { w: { wait: '${ {seconds: (if $task.name == "w" then $input.s else 9 end)} }' } } ]"""
    assert run(text, {"s": 3}).advance(3_000).status == "completed"


@pytest.mark.parametrize("value", [None, 5, "soon", {"weeks": 1}])
def test_what_is_no_duration_is_a_configuration_fault(value):
    done = run("do: [ { w: { wait: '${ .for }' } } ]", {"for": value})
    assert (done.kind_of_fault, done.fault.instance) == ("configuration", "/do/0/w")


def test_a_wait_of_nothing_still_yields_and_goes_on_at_once():
    waits = run("do: [ { w: { wait: PT0S } } ]", 1)
    assert waits.state.wake == waits.now
    assert waits.advance(0).output == 1


def test_waits_in_branches_end_each_at_its_time():
    text = "do: [ { f: { fork: { branches: [ { a: { wait: PT1S } }, { b: { wait: PT3S } } ] } } } ]"
    waits = run(text, 0)
    assert waits.advance(1_000).traced("completed") == ["a"]
    assert waits.advance(2_000).output == [0, 0]
