# ruff: noqa: E501 -- a document reads best in one piece
"""`run: workflow`: sub-workflows."""

from __future__ import annotations

from driver import Raises, fault, run

from batuta.kernel.commands import Abandon, StartChild
from batuta.kernel.events import Failed, Performed

CHILD = """
do:
  - a: { run: { workflow: { namespace: other, name: child, version: '1.2.0', input: { n: '${ .n }' } }, await: AWAIT } }
  - b: { set: '${ {was: .} }' }
"""


def test_a_child_is_started_with_its_input_and_its_output_is_the_task_s():
    parent = run(CHILD.replace("AWAIT", "true"), {"n": 1})
    (child,) = parent.of(StartChild)
    assert child == StartChild("", "/do/0/a", "other", "child", "1.2.0", {"n": 1}, True)
    assert parent.take(Performed(child.token, child.key, 5)).output == {"was": 5}


def test_a_child_s_fault_is_the_task_s():
    parent = run(CHILD.replace("AWAIT", "true"), {"n": 1}, answers={"child": Raises()})
    assert (parent.status, parent.fault.instance) == ("faulted", "/do/0/a")


def test_a_child_that_is_not_awaited_is_started_and_the_input_goes_on():
    parent = run(CHILD.replace("AWAIT", "false"), {"n": 1})
    assert [one.wait for one in parent.of(StartChild)] == [False]
    assert parent.output == {"was": {"n": 1}}


def test_a_child_is_abandoned_with_its_parent():
    parent = run(CHILD.replace("AWAIT", "true"), {"n": 1}).cancel()
    assert parent.status == "cancelled"
    assert [one.key for one in parent.of(Abandon)] == ["/do/0/a"]
    child = parent.of(StartChild)[0]
    before = parent.state
    assert parent.take(Failed(child.token, child.key, fault())).state is before


def test_a_child_without_input_gets_an_empty_object():
    text = "do: [ { a: { run: { workflow: { namespace: o, name: c, version: latest } } } } ]"
    assert run(text).of(StartChild)[0].input == {}
