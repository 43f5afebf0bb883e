# ruff: noqa: E501 -- a document reads best in one piece
"""Data flow: every gate that data passes (DSL, "Data Flow"), and what expressions see."""

from __future__ import annotations

import pytest
from driver import HEADER, Run, run

NUMBER = "{ document: { type: number } }"
OBJECT = "{ document: { type: object, required: [ n ], properties: { n: { type: number } } } }"


@pytest.mark.parametrize(
    ("data", "status"), [({"n": 1}, "completed"), ({"n": "x"}, "faulted"), ({}, "faulted")]
)
def test_the_workflow_s_input_is_validated_before_it_is_transformed(data, status):
    done = run(
        f"input: {{ schema: {OBJECT}, from: .n }}\ndo: [ {{ a: {{ set: '${{ . }}' }} }} ]", data
    )
    assert done.status == status
    if status == "faulted":
        assert (done.kind_of_fault, done.fault.instance) == ("validation", "")
        assert done.trace == []
    else:
        assert done.output == 1


def test_the_workflow_s_input_may_be_a_template():
    text = "input: { from: { m: '${ .n }', k: 1 } }\ndo: [ { a: { set: '${ [$input, $workflow.input] }' } } ]"
    assert run(text, {"n": 5}).output == [{"m": 5, "k": 1}, {"n": 5}]


def test_the_workflow_s_output_is_transformed_then_validated():
    text = f"output: {{ as: .n, schema: {NUMBER} }}\ndo: [ {{ a: {{ set: '${{ . }}' }} }} ]"
    assert run(text, {"n": 5}).output == 5
    done = run(text, {"n": "x"})
    assert (done.status, done.kind_of_fault, done.fault.instance) == ("faulted", "validation", "")


def test_a_task_s_input_is_validated_raw_and_transformed():
    text = f"do: [ {{ a: {{ input: {{ schema: {OBJECT}, from: '{{m: .n}}' }}, set: '${{ [., $input, $task.input] }}' }} }} ]"
    assert run(text, {"n": 1}).output == [{"m": 1}, {"m": 1}, {"n": 1}]
    done = run(text, {"n": None})
    assert (done.kind_of_fault, done.fault.instance) == ("validation", "/do/0/a")


def test_a_task_s_output_is_transformed_then_validated():
    text = f"do: [ {{ a: {{ set: '${{ . }}', output: {{ as: .n, schema: {NUMBER} }} }} }} ]"
    assert run(text, {"n": 1}).output == 1
    assert run(text, {"n": "x"}).kind_of_fault == "validation"


def test_output_sees_input_and_the_raw_output():
    text = """
do:
  - a:
      input: { from: .x }
      set: { raw: 1 }
      output: { as: '${ {seen: ., input: $input, task: $task.output, output: $output} }' }
""".replace(", output: $output", "")
    assert run(text, {"x": 7}).output == {"seen": {"raw": 1}, "input": 7, "task": {"raw": 1}}


def test_export_is_made_of_the_transformed_output_and_replaces_the_context():
    text = """
do:
  - a: { set: { n: 1 }, output: { as: .n }, export: { as: '${ {n: ., out: $output, before: $context} }' } }
  - b: { set: '${ {passed: ., context: $context} }' }
"""
    assert run(text).output == {"passed": 1, "context": {"n": 1, "out": 1, "before": {}}}


def test_the_context_begins_as_an_empty_object():
    assert run("do: [ { a: { set: '${ $context }' } } ]", {"x": 1}).output == {}


def test_export_without_as_keeps_the_context_and_validates_it():
    text = f"""
do:
  - a: {{ set: {{ n: 1 }}, export: {{ as: '{{n: .n}}' }} }}
  - b: {{ set: {{ n: 2 }}, export: {{ schema: {OBJECT} }} }}
  - c: {{ set: '${{ $context }}' }}
"""
    assert run(text).output == {"n": 1}
    done = run(text.replace("{n: .n}", "{m: .n}"))
    assert (done.kind_of_fault, done.fault.instance) == ("validation", "/do/1/b")


def test_a_fault_of_validation_names_the_first_three_places():
    text = "input: { schema: { document: { items: { type: number } } } }\ndo: [ { a: { set: { n: 1 } } } ]"
    done = run(text, ["a", "b", "c", "d"])
    assert (done.fault.detail or "").count(" at /") == 3
    assert "at /3" not in (done.fault.detail or "")


def test_a_schema_may_be_elsewhere():
    text = HEADER + "input: { schema: { resource: { endpoint: https://a.b/schema.json } } }\ndo: []"
    found = {"https://a.b/schema.json": {"type": "number"}}
    assert Run(text, resources=found).start(5).output == 5
    assert Run(text, resources=found).start("x").kind_of_fault == "validation"
    assert Run(text).start(5).kind_of_fault == "configuration"


def test_a_skipped_task_passes_its_raw_input_on_and_nothing_else_of_it_counts():
    text = """
do:
  - a: { if: .run, input: { from: .x }, set: { n: 1 }, output: { as: '{m: 1}' }, export: { as: '{e: 1}' } }
  - b: { set: '${ [., $context] }' }
"""
    assert run(text, {"run": False, "x": 1}).output == [{"run": False, "x": 1}, {}]
    assert run(text, {"run": True, "x": 1}).output == [{"m": 1}, {"e": 1}]


def test_a_skipped_task_is_not_told_of():
    assert run("do: [ { a: { if: 'false', set: { n: 1 } } } ]").trace == []


def test_a_condition_sees_context_task_workflow_and_runtime():
    text = """
do:
  - x: { set: { n: 1 }, export: { as: '{go: true}' } }
  - a:
      if: $context.go and $task.name == "a" and $task.reference == "/do/1/a" and $workflow.id == "r1" and $runtime.name == "batuta"
      set: { ran: true }
"""
    assert run(text).output == {"ran": True}


def test_a_condition_that_cannot_be_evaluated_faults_the_task():
    done = run("do: [ { a: { if: '1 + {} > 2', set: { n: 1 } } } ]")
    assert (done.kind_of_fault, done.fault.instance, done.trace) == (
        "expression",
        "/do/0/a",
        ["faulted a"],
    )


def test_the_descriptors_are_those_of_the_dsl():
    text = "do: [ { a: { set: { task: '${ $task }', workflow: '${ $workflow }', runtime: '${ $runtime }' } } } ]"
    done = run(text, {"x": 1})
    moment = {
        "iso8601": "1970-01-01T00:16:40.000Z",
        "epoch": {"seconds": 1000, "milliseconds": 1_000_000},
    }
    task = done.output["task"]
    definition = task.pop("definition")
    assert definition == {"set": task.pop("set")}
    assert task == {
        "name": "a",
        "reference": "/do/0/a",
        "input": {"x": 1},
        "output": None,
        "startedAt": moment,
    }
    workflow = done.output["workflow"]
    assert workflow.pop("definition")["document"]["name"] == "scenario"
    assert workflow == {"id": "r1", "input": {"x": 1}, "startedAt": moment}
    assert done.output["runtime"] == {"name": "batuta", "version": "1", "metadata": {}}


def test_variables_that_mean_nothing_here_are_null():
    text = "output: { as: '${ [$input, .] }' }\ndo: [ { a: { set: '${ [$authorization] }' } } ]"
    done = run(text.replace("$input, ", ""), 1)
    assert done.output == [[None]]


def test_secrets_are_placeholders_wherever_they_are_read():
    text = (
        "use: { secrets: [ key ] }\ndo: [ { a: { call: work, with: { k: '${ $secrets.key }' } } } ]"
    )
    started = Run(text).start({}, secrets={"key": "<<key>>"}, nonce="n")
    assert started.asked("a").arguments == {"k": "<<key>>"}
    assert started.state.nonce == "n"


def test_the_output_of_a_composite_is_that_of_its_last_task():
    text = "do: [ { d: { do: [ { a: { call: a } }, { b: { if: 'false', set: { n: 1 } } } ] } } ]"
    assert run(text, answers={"a": 5}).output == 5
