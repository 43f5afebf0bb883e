"""Our own keys under `metadata`: who performs a task, how it is undone, how late it may be."""

from __future__ import annotations

import pytest

from batuta.definition import check, model


def participants(workflow):
    found = {}

    def note(tasks):
        for task in tasks:
            found[task.name] = task.participant
            if isinstance(task, model.DoTask):
                note(task.do)

    note(workflow.do)
    return found


def test_a_participant_is_inherited_from_the_nearest_that_names_one(built):
    workflow = built("""document:
  { dsl: '1.0.3', namespace: a, name: b, version: 1.0.0, metadata: { participant: desk } }
use:
  functions:
    charge: { set: { a: 1 }, metadata: { participant: payments } }
    plain: { set: { a: 1 } }
do:
- own: { call: charge, metadata: { participant: finance } }
- function: { call: charge }
- document: { call: plain }
- around:
    metadata: { participant: stock }
    do:
    - inner: { call: charge }
    - deeper:
        do:
        - innermost: { set: { a: 1 } }
""")
    assert participants(workflow) == {
        "own": "finance",
        "function": "payments",
        "document": "desk",
        "around": "stock",
        "inner": "stock",
        "deeper": "stock",
        "innermost": "stock",
    }
    assert workflow.functions["charge"].participant == "payments"
    assert workflow.functions["plain"].participant is None


def test_nobody_is_named_when_nobody_is_named(built):
    assert participants(built("do:\n- a: { set: { b: 1 } }\n")) == {"a": None}


def test_a_compensation_is_a_task_of_its_own(built):
    workflow = built("""
do:
- each:
    for: { in: .items }
    do:
    - reserve:
        call: reserveStock
        metadata:
          participant: stock
          compensate:
            if: $output.id != null
            input: { from: '{ id: $output.id, was: $input, item: $item }' }
            call: releaseStock
            with: { reservation: '${ $output.id }', item: '${ $item }' }
""")
    (reserve,) = workflow.do[0].do
    undo = reserve.compensate
    assert isinstance(undo, model.CallTask)
    assert undo.reference == "/do/0/each/do/0/reserve/metadata/compensate"
    assert (undo.name, undo.participant) == ("compensate", "stock")


def test_a_compensation_may_have_another_owner(built):
    workflow = built("""
do:
- a:
    set: { x: 1 }
    metadata: { participant: one, compensate: { call: f, metadata: { participant: two } } }
""")
    assert workflow.do[0].compensate.participant == "two"


def test_compensation_variables_end_with_the_compensation(refused):
    refused(
        "unknown-variable",
        """
do:
- a:
    set: { x: '${ §$output }' }
    metadata: { compensate: { set: { y: '${ $output }' } } }
""",
    )


def test_namespaced_keys_are_the_users_own(built):
    workflow = built("""
do:
- a: { do: [], metadata: { example.com/team: blue, com.acme.tier: { deep: '${ kept }' } } }
""")
    assert workflow.do[0].metadata["com.acme.tier"] == {"deep": "${ kept }"}


def test_a_misspelt_key_of_ours_is_not_taken_for_the_users_own(refused):
    problem = refused(
        "metadata-key", "do:\n- a: { do: [], metadata: { §Compensat: { do: [] } } }\n"
    )
    assert problem.hint == "did you mean `compensate`?"


def test_a_key_of_nobody_is_told_how_to_live(refused):
    problem = refused("metadata-key", "do:\n- a: { do: [], metadata: { §colour: red } }\n")
    assert problem.hint == "namespace your own keys: `example.com/colour`"


@pytest.mark.parametrize(
    ("task", "codes"),
    [
        ("{ call: ask, metadata: { participant: partner } }", []),
        ("{ do: [ inner: { call: ask } ], metadata: { participant: partner } }", []),
        ("{ call: book, metadata: { participant: partner, compensate: { call: ask } } }", []),
        ("{ call: ask, metadata: { participant: desk } }", ["unknown-function"]),
        ("{ call: ask }", ["unknown-function"]),
    ],
)
def test_what_others_are_asked_for_need_not_be_a_function_here(task, codes):
    text = (
        "document: { dsl: '1.0.3', namespace: a, name: b, version: '1.0.0', metadata: {"
        f" participants: {{ desk: {{}}, partner: {{ external: true }} }} }} }}\n"
        f"do: [ one: {task} ]\n"
    )
    assert [one.code for one in check(text, known_functions={"book"}).problems] == codes
    default = text.replace("metadata: {", "metadata: { participant: partner,", 1)
    if "desk }" not in task:
        assert check(default, known_functions={"book"}).ok
