"""Every construct of the DSL is accepted, without a warning, and means what it says."""

from __future__ import annotations

import pytest

from batuta.definition import model


def only(workflow, kind):
    (task,) = workflow.do
    assert isinstance(task, kind)
    return task


def test_a_document_head_is_kept_whole(built):
    workflow = built("""document:
  dsl: '1.0.3'
  namespace: retail
  name: order
  version: 1.0.0-rc.1+build.5
  title: Orders
  summary: How an order is **fulfilled**.
  tags: { team: sales, tier: 1 }
  metadata:
    control: choreographed
    participants: { orders: { title: Desk, owner: sales }, stock: }
    participant: orders
    sla: { within: PT30S, warn: { seconds: 10 } }
    keys: { order: .id, customer: '${ $input.customer }' }
    example.com/team: blue
do: []
""")
    assert workflow.identity == "retail/order:1.0.0-rc.1+build.5"
    assert workflow.document.title == "Orders"
    assert workflow.document.tags == {"team": "sales", "tier": 1}
    assert workflow.control == "choreographed"
    assert workflow.participants == {
        "orders": model.Participant(name="orders", title="Desk", owner="sales"),
        "stock": model.Participant(name="stock"),
    }
    assert workflow.participant == "orders"
    assert workflow.sla == model.Sla(within_ms=30_000, warn_ms=10_000)
    assert workflow.do == ()


def test_a_workflow_has_data_flow_timeout_and_language(built):
    workflow = built("""
evaluate: { language: jq, mode: loose }
input:
  schema: { format: json:2020-12, document: { type: object } }
  from: .order
output:
  schema: { resource: { name: result, endpoint: https://schemas.example/result.json } }
  as: { total: '${ .sum }', context: '${ $context.x }' }
timeout: long
use: { timeouts: { long: { after: { hours: 1 } } } }
do: []
""")
    assert (workflow.evaluate_language, workflow.evaluate_mode) == ("jq", "loose")
    assert workflow.input == model.DataFlow(
        schema=model.Schema(format="json:2020-12", document={"type": "object"}), transform=".order"
    )
    resource = model.Resource(
        name="result", endpoint=model.Endpoint(uri="https://schemas.example/result.json")
    )
    assert workflow.output.schema == model.Schema(resource=resource)
    assert workflow.output.transform == {"total": "${ .sum }", "context": "${ $context.x }"}
    assert workflow.timeout == model.Duration(milliseconds=3_600_000)


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


def test_a_call_of_http(built):
    task = only(
        built("""
use: { authentications: { shop: { bearer: { token: '${ .token }' } } } }
do:
- a:
    call: http
    with:
      method: post
      endpoint: { uri: 'https://shop.example/orders/{id}', authentication: { use: shop } }
      headers: { x-trace: '${ $workflow.id }' }
      query: { page: 1, sort: '${ .sort }' }
      body: { items: [ '${ .items }', 2 ] }
      output: response
      redirect: true
"""),
        model.CallTask,
    )
    assert task.target == "http"
    assert task.arguments["endpoint"] == {"uri": "https://shop.example/orders/{id}"}
    assert task.arguments["body"] == {"items": ["${ .items }", 2]}
    assert task.authentication == model.Authentication(
        scheme="bearer", properties={"token": "${ .token }"}
    )
    assert task.definition["with"]["endpoint"]["authentication"] == {"use": "shop"}


def test_an_address_is_a_text_or_one_expression(built):
    workflow = built("""
do:
- a: { call: http, with: { method: get, endpoint: '/pets/{pet.id}?x={y}', headers: '${ .h }' } }
- b: { call: http, with: { method: get, endpoint: '${ "https://x.example/\\(.id)" }' } }
""")
    assert [task.arguments["endpoint"] for task in workflow.do] == [
        "/pets/{pet.id}?x={y}",
        '${ "https://x.example/\\(.id)" }',
    ]
    assert workflow.do[0].authentication is None


def test_a_call_of_openapi_keeps_two_policies_apart(built):
    task = only(
        built("""
use: { secrets: [reader] }
do:
- a:
    call: openapi
    with:
      document:
        name: shop
        endpoint: { uri: https://shop.example/api.json, authentication: { basic: { use: reader } } }
      operationId: order
      parameters: { id: '${ .id }' }
      authentication: { digest: { username: u, password: p } }
      output: raw
      redirect: false
"""),
        model.CallTask,
    )
    assert task.authentication.scheme == "digest"
    assert task.document_authentication == model.Authentication(scheme="basic", secret="reader")
    assert task.arguments["document"]["endpoint"] == {"uri": "https://shop.example/api.json"}
    assert "authentication" not in task.arguments


def test_a_call_of_asyncapi_publishes(built):
    task = only(
        built("""
do:
- a:
    call: asyncapi
    with:
      document: { endpoint: https://x.example/asyncapi.json }
      operation: tell
      server: { name: staging, variables: { region: eu } }
      protocol: nats
      message: { payload: { id: '${ .id }' }, headers: { a: b } }
      authentication: { bearer: { token: t } }
"""),
        model.CallTask,
    )
    assert task.arguments["message"]["payload"] == {"id": "${ .id }"}
    assert task.authentication.scheme == "bearer"
    assert task.iterator is None


@pytest.mark.parametrize(
    "consume",
    ["{ amount: 5 }", "{ while: '${ true }', for: PT1M }", "{ until: '${ .payload.last }' }"],
)
def test_a_call_of_asyncapi_subscribes(built, consume):
    task = only(
        built(f"""
do:
- a:
    call: asyncapi
    with:
      document: {{ endpoint: https://x.example/asyncapi.json }}
      channel: /notes
      subscription:
        filter: '${{ .correlationId == $context.id }}'
        consume: {consume}
        foreach:
          item: note
          at: position
          do:
          - keep: {{ set: {{ n: '${{ $note }}', i: '${{ $position }}' }} }}
          output: {{ as: .n }}
          export: {{ as: '. + [ $note ]' }}
"""),
        model.CallTask,
    )
    assert "foreach" not in task.arguments["subscription"]
    assert (task.iterator.item, task.iterator.at) == ("note", "position")
    (keep,) = task.iterator.do
    assert keep.reference == "/do/0/a/with/subscription/foreach/do/0/keep"


def test_a_call_of_grpc(built):
    task = only(
        built("""
do:
- a:
    call: grpc
    with:
      proto: { endpoint: file://app/greet.proto }
      service:
        { name: Greeter, host: localhost, port: 5011, authentication: { bearer: { token: t } } }
      method: SayHello
      arguments: { name: '${ .name }' }
"""),
        model.CallTask,
    )
    assert task.arguments["service"] == {"name": "Greeter", "host": "localhost", "port": 5011}
    assert task.authentication.scheme == "bearer"


def test_a_call_of_a2a_is_opened_by_its_server_or_its_card(built):
    workflow = built("""
do:
- card:
    call: a2a
    with:
      method: message/send
      agentCard: { endpoint: { uri: https://a.example, authentication: { bearer: { token: t } } } }
      parameters: '${ .parameters }'
- server:
    call: a2a
    with:
      method: tasks/get
      server: { uri: https://a.example, authentication: { bearer: { token: u } } }
      parameters: { id: x }
- both:
    call: a2a
    with: { method: tasks/list, server: https://b.example, agentCard: { endpoint: /card } }
""")
    card, server, both = workflow.do
    assert card.authentication == card.document_authentication
    assert server.authentication.properties == {"token": "u"}
    assert server.arguments["server"] == {"uri": "https://a.example"}
    assert both.authentication is both.document_authentication is None


def test_a_call_of_mcp_over_both_transports(built):
    workflow = built("""
do:
- stdio:
    call: mcp
    with:
      protocolVersion: '2025-06-18'
      method: tools/call
      parameters: { name: x, arguments: { a: 1 } }
      timeout: PT10S
      transport:
        stdio: { command: server, arguments: [ --stdio ], environment: { KEY: v } }
        options: { a: b }
      client: { name: batuta, version: 1.0.0 }
- http:
    call: mcp
    with:
      method: tools/list
      transport:
        http:
          endpoint: { uri: https://m.example, authentication: { bearer: { token: t } } }
          headers: { a: b }
""")
    stdio, http = workflow.do
    assert stdio.authentication is None
    assert http.authentication.scheme == "bearer"
    assert http.arguments["transport"]["http"]["endpoint"] == {"uri": "https://m.example"}


def test_a_call_of_a_function(built):
    workflow = built("""
use:
  catalogs: { shop: { endpoint: { uri: https://github.com/acme/catalog } } }
  functions:
    total: { set: { sum: '${ .a + .b }' }, input: { from: . } }
do:
- a: { call: total, with: { a: 1, b: '${ .b }' } }
- b: { call: reserveStock }
- c: { call: reserveStock:1.0.0@default }
- d: { call: log:1.0.0@shop }
- e: { call: https://x.example/functions/log/1.0.0/function.yaml }
""")
    assert [task.target for task in workflow.do] == [
        "total",
        "reserveStock",
        "reserveStock:1.0.0@default",
        "log:1.0.0@shop",
        "https://x.example/functions/log/1.0.0/function.yaml",
    ]
    assert workflow.do[0].arguments == {"a": 1, "b": "${ .b }"}
    total = workflow.functions["total"]
    assert (total.reference, total.name) == ("/use/functions/total", "total")
    assert workflow.catalogs["shop"].uri == "https://github.com/acme/catalog"


def test_known_functions_may_be_named_with_or_without_a_version(built):
    known = {"a", "b:1.0.0"}
    built(
        "do:\n- x: { call: a }\n- y: { call: a:2.0.0 }\n- z: { call: b }\n", known_functions=known
    )
    built("do:\n- x: { call: b:1.0.0@default }\n", known_functions=known)


def test_a_version_that_is_not_deployed_is_unknown(refused):
    refused("unknown-function", "do:\n- x: { call: §b:2.0.0 }\n", known_functions={"b:1.0.0"})


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


def test_retries_errors_and_timeouts_are_used_by_name(built):
    workflow = built("""
use:
  retries: { often: { backoff: { linear: {} }, delay: { seconds: 1 } } }
  errors: { late: { type: /late, status: '${ .s }', title: '${ $item }', detail: d, instance: /x } }
  timeouts: { short: { after: PT5S } }
do:
- a: { try: [], catch: { retry: often }, timeout: short }
- b: { raise: { error: late } }
""")
    a, b = workflow.do
    assert a.retry.backoff == model.Backoff(kind="linear")
    assert a.timeout == model.Duration(milliseconds=5_000)
    assert b.error == model.ErrorDefinition(
        type="/late", status="${ .s }", title="${ $item }", detail="d", instance="/x"
    )


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


@pytest.mark.parametrize(
    "policy",
    [
        "{ basic: { username: u, password: p } }",
        "{ digest: { use: s } }",
        "{ bearer: { use: s } }",
        "{ oauth2: { use: s } }",
        "{ oidc: { use: s } }",
        """{ oauth2: { authority: https://x.example, grant: client_credentials,
          endpoints: { token: /t, revocation: /r, introspection: /i },
          client:
            { id: i, secret: '${ $secrets.s }', assertion: a, authentication: private_key_jwt },
          request: { encoding: application/json }, issuers: [ i ], scopes: [ s ], audiences: [ a ],
          username: u, password: p,
          subject: { token: t, type: y }, actor: { token: t, type: y } } }""",
        "{ oidc: { authority: https://x.example, grant: password, scopes: [ openid ] } }",
    ],
)
def test_an_authentication_policy(built, policy):
    workflow = built(f"""
use:
  secrets: [ s ]
  authentications: {{ shop: {policy} }}
do:
- a:
    call: http
    with: {{ method: get, endpoint: {{ uri: /x, authentication: {{ use: shop }} }} }}
""")
    policy = workflow.do[0].authentication
    assert (policy.secret == "s") != bool(policy.properties)
    assert workflow.secrets == ("s",)


def test_a_schedule(built):
    workflow = built("""
schedule:
  every: { minutes: 5 }
  cron: 0 6 * * MON-FRI
  after: PT0S
  on: { all: [ { with: { type: t }, correlate: { a: { from: .a } } } ] }
  read: data
do: []
""")
    schedule = workflow.schedule
    assert (schedule.every_ms, schedule.cron, schedule.after_ms) == (300_000, "0 6 * * MON-FRI", 0)
    assert (schedule.on.mode, schedule.read) == ("all", "data")
    assert built("schedule: {}\ndo: []\n").schedule == model.Schedule()


def test_an_extension(built):
    workflow = built("""
use:
  extensions:
  - mock:
      extend: call
      when: $task.definition.call == "http"
      before:
      - reply: { set: { a: '${ $task.reference }' }, then: exit }
      after:
      - tell: { emit: { event: { with: { type: t } } } }
  - log: { extend: all }
do: []
""")
    mock, log = workflow.extensions
    assert (mock.name, mock.extend) == ("mock", "call")
    assert mock.before[0].reference == "/use/extensions/0/mock/before/0/reply"
    assert mock.after[0].reference == "/use/extensions/0/mock/after/0/tell"
    assert (log.when, log.before, log.after) == (None, (), ())
