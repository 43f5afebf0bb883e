# ruff: noqa: E501 -- a document reads best in one piece
"""Expressions that only the sandbox can run: steps that begin again, and answers that are kept."""

from __future__ import annotations

import pytest
from driver import RUN, Run, program_of, run

from batuta.kernel.evaluation import Evaluated, NeedsEvaluation
from batuta.kernel.events import Started
from batuta.kernel.step import NEW, step

WHOLE = "def f(x): if x > 0 then f(x - 1) else 7 end; f(.n)"
"""A recursive function: nothing that the native compiler would bound."""


def test_a_step_that_needs_the_sandbox_is_given_up_and_begun_again_with_its_answer():
    program = program_of(f"do: [ {{ a: {{ set: {{ x: '${{ {WHOLE} }}' }} }} }} ]")
    with pytest.raises(NeedsEvaluation) as needed:
        step(program, NEW, Started(RUN, {"n": 3}), 0)
    assert (needed.value.source, needed.value.data, needed.value.variables) == (WHOLE, {"n": 3}, {})
    done = step(program, NEW, Started(RUN, {"n": 3}), 0, (Evaluated(7),))
    assert done.state.output == {"x": 7}


def test_answers_come_in_the_order_of_asking_and_a_replay_gives_the_same():
    text = f"""
do:
  - a: {{ if: '{WHOLE} == 7', set: {{ x: '${{ {WHOLE} }}', y: '${{ .n }}', z: '${{ [$input.n, ({WHOLE})] }}' }} }}
"""
    done = run(text, {"n": 2})
    assert done.output == {"x": 7, "y": 2, "z": [2, 7]}
    assert len(done.evaluations) == 3


def test_the_answer_that_was_recorded_counts_and_not_what_another_evaluation_gives():
    answers = iter([Evaluated(1)])
    done = run(
        f"do: [ {{ a: {{ set: {{ x: '${{ {WHOLE} }}' }} }} }} ]",
        {"n": 1},
        evaluate=lambda _: next(answers),
    )
    assert done.output == {"x": 1}


def test_a_failure_of_the_sandbox_is_an_expression_fault_that_is_recorded_too():
    done = run(
        f"do: [ {{ a: {{ set: {{ x: '${{ {WHOLE} }}' }} }} }} ]",
        {"n": 1},
        evaluate=lambda _: Evaluated(None, "ran past its deadline"),
    )
    assert (done.kind_of_fault, done.fault.instance) == ("expression", "/do/0/a")
    assert "ran past its deadline" in (done.fault.detail or "")


def test_variables_go_along():
    text = "do: [ { l: { for: { in: '[5]' }, do: [ { a: { set: '${ WHOLE }' } } ] } } ]".replace(
        "WHOLE", "def f(x): if x > 0 then f(x - 1) else [$item, $workflow.id] end; f(3)"
    )
    seen: list[NeedsEvaluation] = []

    def evaluate(need: NeedsEvaluation) -> Evaluated:
        seen.append(need)
        return Evaluated("ok")

    done = run(text, evaluate=evaluate)
    assert done.output == "ok"
    assert (sorted(seen[0].variables), seen[0].variables["item"]) == (["item", "workflow"], 5)


def test_the_sandbox_may_be_asked_in_the_midst_of_events():
    text = f"""
do:
  - l: {{ listen: {{ to: {{ one: {{ with: {{ type: a, data: '${{ ({WHOLE}) == 7 }}' }} }} }} }} }}
  - c: {{ call: work, with: {{ x: '${{ .[0] | {WHOLE} }}' }} }}
  - t: {{ try: [ {{ d: {{ call: work }} }} ], catch: {{ when: '{{n: .status}} | {WHOLE.replace("f(.n)", "f(3)")} == 7' }} }}
"""
    done = run(text).send("a", {"n": 2}).answer("c", 5).fail("d")
    assert done.output == 5
    assert len(done.evaluations) == 3


def test_an_expression_with_too_much_work_for_the_native_compiler_goes_to_the_sandbox():
    done = Run(
        "do: [ { a: { set: '${ [range(.n)] | length }' } } ]",
        evaluate=lambda _: Evaluated("from the sandbox"),
    ).start({"n": 10_000_000})
    assert done.output == "from the sandbox"
    assert done.evaluations == ["[range(.n)] | length"]


def test_what_runs_natively_beside_the_sandbox_may_fail_too():
    done = run(
        f"do: [ {{ a: {{ set: {{ x: '${{ {WHOLE} }}', y: '${{ 1 + {{}} }}' }} }} }} ]", {"n": 1}
    )
    assert (done.kind_of_fault, done.fault.instance) == ("expression", "/do/0/a")
