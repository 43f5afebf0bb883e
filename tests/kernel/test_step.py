# ruff: noqa: E501 -- a document reads best in one piece
"""`step` itself: beginning, bugs, snapshots, and programs that are built by hand."""

from __future__ import annotations

import msgspec
import pytest
from driver import HEADER, RUN, Run, program_of, run

from batuta.definition import check
from batuta.errors import DefinitionError, KernelBug
from batuta.kernel.codec import decode_snapshot
from batuta.kernel.events import Started
from batuta.kernel.faults import standard
from batuta.kernel.program import compile_workflow
from batuta.kernel.step import BEHAVIOUR, NEW, step


def test_a_run_keeps_how_it_began():
    begun = Run("do: [ { a: { call: a } } ]").start({"x": 1}, origin="r0", behaviour=BEHAVIOUR)
    assert (begun.state.id, begun.state.origin, begun.state.input) == (RUN, "r0", {"x": 1})
    assert (begun.state.started, begun.state.behaviour) == (begun.now, BEHAVIOUR)
    assert run("do: [ { a: { call: a } } ]").state.origin == RUN


def test_a_run_that_is_refused_faults_before_its_first_task():
    refused = standard("authorization", 403, "Secret missing", "key")
    done = Run("do: [ { a: { call: a } } ]").start({}, refused=refused)
    assert (done.status, done.fault.title, done.fault.instance, done.performed) == (
        "faulted",
        "Secret missing",
        "",
        [],
    )


def test_a_bug_stops_the_step_and_says_where():
    program = program_of("do: [ { a: { set: { n: 1 } } } ]")
    del program.nodes["/do/0/a"].begin
    with pytest.raises(KernelBug, match=r"took Started: .*begin"):
        Run(program).start()


def test_a_bug_in_a_new_run_is_told_too():
    program = program_of("do: [ { a: { set: { n: 1 } } } ]")
    del program.root.block_done
    with pytest.raises(KernelBug, match="took Started"):
        step(program, NEW, Started(RUN), 0)


def test_the_same_step_taken_twice_gives_the_same():
    program = program_of(
        "do: [ { f: { fork: { branches: [ { a: { call: a } }, { b: { call: b } } ] } } } ]"
    )
    one, two = (step(program, NEW, Started(RUN, 5), 7) for _ in range(2))
    assert one == two


def test_nothing_needs_a_watcher():
    text = "do: [ { t: { try: [ { s: { do: [ { a: { raise: { error: { type: 'https://a.b/c', status: 400 } } } } ] } } ], catch: {} } } ]"
    assert step(program_of(text), NEW, Started(RUN, 5), 0).state.output == 5


def test_bytes_that_are_no_snapshot_are_refused():
    with pytest.raises(msgspec.DecodeError):
        decode_snapshot(b"{}")


def test_a_resource_that_is_no_schema_is_refused_when_the_program_is_compiled():
    text = HEADER + "input: { schema: { resource: { endpoint: https://a.b/s.json } } }\ndo: []"
    workflow = check(text).workflow
    assert workflow is not None
    with pytest.raises(DefinitionError):
        compile_workflow(workflow, {"https://a.b/s.json": {"type": 5}})


def test_a_schema_of_another_format_is_a_configuration_fault_when_it_is_reached():
    done = run(
        "do: [ { a: { set: { n: 1 }, output: { schema: { format: avro, document: {} } } } } ]"
    )
    assert (done.kind_of_fault, done.fault.instance) == ("configuration", "/do/0/a")


def test_a_function_from_elsewhere_is_called_by_the_text_that_means_it():
    library = check(
        HEADER + "use: { catalogs: { mine: { endpoint: https://a.b } } }\n"
        "do: [ { x: { call: 'lib:1.0.0@mine', with: { n: 1 } } } ]\n"
    ).workflow
    assert library is not None
    function = check(HEADER + "do: [ { f: { set: '${ {n: (.n + 1)} }' } } ]").workflow
    assert function is not None
    task = msgspec.structs.replace(function.do[0], reference="/lib")
    program = compile_workflow(library, functions={"lib:1.0.0@mine": task})
    assert Run(program).start().output == {"n": 2}


def test_functions_from_elsewhere_that_call_each_other_for_ever_are_stopped():
    text = HEADER + "do: [ { f: { call: 'https://a.b/f.yaml' } } ]"
    workflow = check(text).workflow
    assert workflow is not None
    task = msgspec.structs.replace(workflow.do[0], reference="https://a.b/f.yaml")
    program = compile_workflow(workflow, functions={"https://a.b/f.yaml": task})
    assert Run(program).start().kind_of_fault == "configuration"


@pytest.mark.parametrize(
    "endpoint", ["https://a.b/spec.json", "{ uri: https://a.b/spec.json, AUTH }"]
)
def test_the_policy_of_a_description_stands_at_its_address(endpoint):
    policy = "authentication: { bearer: { token: t } }"
    address = endpoint.replace("AUTH", policy)
    text = f"do: [ {{ a: {{ call: openapi, with: {{ document: {{ endpoint: '{address}' }}, operationId: x }} }} }} ]"
    text = text.replace("'{", "{").replace("}'", "}")
    asked = run(text).asked("a").arguments["document"]["endpoint"]
    if "AUTH" in endpoint:
        assert asked["uri"] == "https://a.b/spec.json"
        assert asked["authentication"]["scheme"] == "bearer"
    else:
        assert asked == "https://a.b/spec.json"
