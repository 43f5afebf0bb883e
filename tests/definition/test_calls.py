"""Every kind of call is accepted, without a warning, and its policies are resolved."""

from __future__ import annotations

import pytest

from batuta.definition import model


def only(workflow, kind):
    (task,) = workflow.do
    assert isinstance(task, kind)
    return task


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


def test_a_version_that_a_catalogue_may_have_is_looked_for_there_later(built):
    catalogs = "use: { catalogs: { shop: { endpoint: 'https://x.example' } } }\n"
    built(catalogs + "do:\n- x: { call: b:2.0.0 }\n", known_functions={"b:1.0.0"})


def test_a_version_that_is_not_deployed_is_unknown(refused):
    refused("unknown-function", "do:\n- x: { call: §b:2.0.0 }\n", known_functions={"b:1.0.0"})


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
