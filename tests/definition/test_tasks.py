"""Every kind of task is accepted, without a warning, and means what it says."""

from __future__ import annotations

import pytest

from batuta.definition import model


def only(workflow, kind):
    (task,) = workflow.do
    assert isinstance(task, kind)
    return task


def test_everything_that_all_tasks_have(built):
    task = only(
        built("""
do:
- a:
    if: ${ .ready }
    input: { schema: { document: true }, from: { x: '${ .y }' } }
    output: { as: .z, schema: { document: { type: integer } } }
    export: { as: '$context + { z: $output, w: $input }', schema: { document: false } }
    timeout: { after: '${ .limit }' }
    then: continue
    metadata: { participant: desk, event: com.acme.done.v1, sla: { within: PT2S } }
    do: []
"""),
        model.DoTask,
    )
    assert (task.name, task.reference, task.condition) == ("a", "/do/0/a", "${ .ready }")
    assert task.input == model.DataFlow(
        schema=model.Schema(document=True), transform={"x": "${ .y }"}
    )
    assert task.output.transform == ".z"
    assert task.export.schema == model.Schema(document=False)
    assert task.timeout == model.Duration(expression="${ .limit }")
    assert (task.participant, task.event) == ("desk", "com.acme.done.v1")
    assert task.sla == model.Sla(within_ms=2_000)
    assert task.definition["then"] == "continue"


def test_a_loop_over_an_expression_or_an_array(built):
    workflow = built("""
do:
- a:
    for: { each: pet, in: .pets, at: place }
    while: $pet.ill and $place < 5
    do:
    - b: { set: { x: '${ $pet }', y: '${ $place }' }, output: { as: $pet } }
- c:
    for: { in: [ { a: '${ .x }' }, 2 ] }
    do:
    - d: { set: { x: '${ $item }', y: '${ $index }' } }
""")
    first, second = workflow.do
    assert (first.each, first.at, first.collection) == ("pet", "place", ".pets")
    assert first.condition_while == "$pet.ill and $place < 5"
    assert first.do[0].reference == "/do/0/a/do/0/b"
    assert (second.each, second.at) == ("item", "index")
    assert second.collection == [{"a": "${ .x }"}, 2]


def test_a_fork(built):
    task = only(
        built("""
do:
- a:
    fork:
      compete: true
      branches:
      - left: { set: { a: 1 }, then: exit }
      - right/1: { do: [ x: { set: { a: 1 } } ] }
"""),
        model.ForkTask,
    )
    assert task.compete
    assert [branch.reference for branch in task.branches] == [
        "/do/0/a/fork/branches/0/left",
        "/do/0/a/fork/branches/1/right~11",
    ]
    assert task.branches[1].do[0].reference == "/do/0/a/fork/branches/1/right~11/do/0/x"


def test_a_switch(built):
    task = only(
        built("""
do:
- a:
    switch:
    - red: { when: .color == "red", then: end }
    - other: { then: exit }
"""),
        model.SwitchTask,
    )
    assert task.cases == (
        model.SwitchCase(name="red", when='.color == "red"', then="end"),
        model.SwitchCase(name="other", then="exit"),
    )


def test_a_try_with_everything(built):
    task = only(
        built("""
do:
- a:
    try:
    - b: { call: f }
    catch:
      errors:
        with: { type: https://x.example/e, status: 503, instance: /do/0/a, title: t, details: d }
      as: problem
      when: $problem.status == 503
      exceptWhen: .detail == "x"
      retry:
        when: $problem.status > 500
        exceptWhen: .x
        delay: PT3S
        backoff: { exponential: { factor: 3, max: PT1M } }
        limit: { attempt: { count: 5, duration: PT10S }, duration: { minutes: 2 } }
        jitter: { from: PT0S, to: '${ .jitter }' }
      do:
      - c: { set: { e: '${ $problem }' } }
      then: exit
"""),
        model.TryTask,
    )
    assert task.do[0].reference == "/do/0/a/try/0/b"
    assert task.catch_do[0].reference == "/do/0/a/catch/do/0/c"
    assert task.catch_filter == {
        "type": "https://x.example/e",
        "status": 503,
        "instance": "/do/0/a",
        "title": "t",
        "detail": "d",
    }
    assert (task.catch_as, task.catch_then) == ("problem", "exit")
    assert task.retry == model.RetryPolicy(
        when="$problem.status > 500",
        except_when=".x",
        delay=model.Duration(milliseconds=3_000),
        backoff=model.Backoff(kind="exponential", factor=3.0, maximum_ms=60_000),
        jitter_from=model.Duration(milliseconds=0),
        jitter_to=model.Duration(expression="${ .jitter }"),
        count=5,
        attempt_duration=model.Duration(milliseconds=10_000),
        total_duration=model.Duration(milliseconds=120_000),
    )


def test_a_try_with_next_to_nothing(built):
    task = only(
        built("do:\n- a: { try: [], catch: { errors: { with: { detail: x } } } }\n"), model.TryTask
    )
    assert task.catch_filter == {"detail": "x"}
    assert task.retry is task.catch_do is task.catch_then is None


def test_a_raise_of_its_own_error(built):
    task = only(
        built("do:\n- a: { raise: { error: { type: https://x.example/e, status: 400 } } }\n"),
        model.RaiseTask,
    )
    assert task.error == model.ErrorDefinition(type="https://x.example/e", status=400)


@pytest.mark.parametrize("value", ["{ a: '${ .b }', c: [ 1 ] }", "'${ .whole }'"])
def test_a_set(built, value):
    assert only(built(f"do:\n- a: {{ set: {value} }}\n"), model.SetTask).value


@pytest.mark.parametrize(
    ("written", "duration"),
    [
        ("PT1M", model.Duration(milliseconds=60_000)),
        ("{ days: 1, milliseconds: 1 }", model.Duration(milliseconds=86_400_001)),
        ("'${ .pause }'", model.Duration(expression="${ .pause }")),
    ],
)
def test_a_wait(built, written, duration):
    assert only(built(f"do:\n- a: {{ wait: {written} }}\n"), model.WaitTask).duration == duration


def test_an_emit(built):
    task = only(
        built("""
do:
- a:
    emit:
      event:
        with:
          { type: com.acme.x, source: /shop, subject: '${ .id }', data: { a: '${ .a }' }, tier: 1 }
"""),
        model.EmitTask,
    )
    assert task.attributes["tier"] == 1


def test_a_listen_to_one_with_correlation(built):
    task = only(
        built("""
do:
- a:
    listen:
      to:
        one:
          with: { type: t, data: '${ .temperature > 38 }' }
          correlate: { order: { from: .data.id, expect: '${ $context.id }' }, shop: { from: .s } }
      read: envelope
"""),
        model.ListenTask,
    )
    assert (task.to.mode, task.read, task.iterator) == ("one", "envelope", None)
    (one,) = task.to.filters
    assert one.correlate == {
        "order": model.Correlation(source=".data.id", expect="${ $context.id }"),
        "shop": model.Correlation(source=".s"),
    }


def test_a_listen_to_any_until(built):
    workflow = built("""
do:
- condition: { listen: { to: { any: [], until: '( . | length ) > 3' } } }
- events:
    listen:
      to: { any: [ { with: { type: t } } ], until: { one: { with: { type: end } } } }
- forever:
    listen: { to: { any: [], until: false } }
    foreach:
      item: note
      do:
      - keep: { set: { n: '${ $note }', i: '${ $index }' } }
""")
    condition, events, forever = workflow.do
    assert condition.to.until_expression == "( . | length ) > 3"
    assert events.to.until_events.filters[0].attributes == {"type": "end"}
    assert forever.to.forever
    assert forever.iterator.do[0].reference == "/do/2/forever/foreach/do/0/keep"


def test_a_listen_to_all(built):
    task = only(
        built("do:\n- a: { listen: { to: { all: [ with: { type: t }, with: { type: u } ] } } }\n"),
        model.ListenTask,
    )
    assert (task.to.mode, len(task.to.filters)) == ("all", 2)


def test_a_run_of_every_kind(built):
    workflow = built("""
do:
- container:
    run:
      container:
        image: alpine
        name: '${ .name }'
        command: echo "$1" ${HOME} ${X:-y}
        ports: { 8080: 80 }
        volumes: { a: b }
        environment: { A: '${ .a }', B: 1 }
        stdin: '${ . }'
        arguments: [ a, '${ .b }' ]
        lifetime: { cleanup: eventually, after: PT1M }
        pullPolicy: always
      return: all
- removed: { run: { container: { image: x, lifetime: { cleanup: always } } } }
- inline:
    run:
      script:
        language: javascript
        code: 'console.log(`${process.env.A} and ${x}`)'
        stdin: text
        arguments: { a: '${ .a }' }
        environment: { A: b }
      await: false
- external:
    run:
      script:
        language: python
        source: { endpoint: { uri: /x.py, authentication: { bearer: { token: t } } } }
        arguments: [ a ]
- shell:
    run: { shell: { command: 'echo hi', arguments: [ '${ .a }' ], stdin: x, environment: {} } }
- workflow:
    run: { workflow: { namespace: a, name: b, version: 1.0.0, input: { x: '${ .x }' } } }
- latest: { run: { workflow: { namespace: a, name: b, version: latest, input: '${ . }' } } }
""")
    container, _, inline, external, shell, flow, _ = workflow.do
    assert (container.process, container.result, container.wait) == ("container", "all", True)
    assert container.arguments["ports"] == {"8080": 80}
    assert not inline.wait
    assert external.authentication.scheme == "bearer"
    assert external.arguments["source"] == {"endpoint": {"uri": "/x.py"}}
    assert shell.arguments["command"] == "echo hi"
    assert flow.arguments["version"] == "1.0.0"
