"""Everything around the tasks is accepted, without a warning, and means what it says."""

from __future__ import annotations

from batuta.definition import model


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
    assert workflow.keys == {"order": ".id", "customer": "${ $input.customer }"}
    assert workflow.do == ()


def test_a_workflow_has_data_flow_timeout_and_language(built):
    workflow = built("""
evaluate: { language: jq, mode: strict }
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
    assert (workflow.evaluate_language, workflow.evaluate_mode) == ("jq", "strict")
    assert workflow.input == model.DataFlow(
        schema=model.Schema(format="json:2020-12", document={"type": "object"}), transform=".order"
    )
    resource = model.Resource(
        name="result", endpoint=model.Endpoint(uri="https://schemas.example/result.json")
    )
    assert workflow.output.schema == model.Schema(resource=resource)
    assert workflow.output.transform == {"total": "${ .sum }", "context": "${ $context.x }"}
    assert workflow.timeout == model.Duration(milliseconds=3_600_000)


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
