"""Every way in which a document is refused or doubted: its code, and exactly where."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import pytest

from batuta.definition import CODES, check
from batuta.definition.reading import WORKFLOW

ALIAS_BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
    for before, after in zip("abcdef", "bcdefg", strict=True)
)

RAW = [
    ("text-too-large", "§#" + "x" * WORKFLOW.characters),
    ("yaml-syntax", "a: b§: c"),
    ("yaml-syntax", "a: §'open"),
    ("yaml-syntax", "{ sku: $§{ .sku } }"),
    ("yaml-syntax", "- a\n§b: 1"),
    ("yaml-syntax", "a: \n§\t- b"),
    ("yaml-syntax", "ä: §\x00"),
    ("yaml-syntax", 'a: "§\\q"'),
    ("yaml-syntax", "a: [1,§"),
    ("yaml-syntax", "§%YAML 3.0\n---\na: 1\n"),
    ("yaml-empty", "§"),
    ("yaml-empty", "§# nothing but a comment\n"),
    ("yaml-many-documents", "a: 1\n§---\nb: 2\n"),
    ("yaml-key", "? §[a]\n: b\n"),
    ("yaml-key", "a: &a 1\n§*a : b\n"),
    ("yaml-alias", "a: §*missing\n"),
    ("yaml-alias", "a: &a [§*a]\n"),
    ("yaml-too-deep", "[" * WORKFLOW.depth + "§["),
    ("yaml-too-deep", "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 50 + "§*a"),
    ("yaml-too-large", ALIAS_BOMB.replace("*e]", "§*e]")),
    ("wrong-type", "§[]"),
    ("wrong-type", "---\n§"),
]
"""Texts without a head."""

DOCUMENTS = [
    ("yaml-duplicate-key", "do: []\n§do: []\n"),
    ("yaml-merge-key", "do:\n- a:\n    set: { §<<: 1, b: 2 }\n"),
    ("yaml-key", "do:\n- a:\n    set:\n      ?§ # no name\n      : 1\n"),
    ("yaml-tag", "do:\n- a:\n    set: { b: §!mine 2 }\n"),
    ("yaml-tag", "do:\n- a:\n    set: { b: §!!set { a } }\n"),
    ("yaml-number", "do:\n- a:\n    set: { b: §.inf }\n"),
    ("yaml-number", "do:\n- a:\n    set: { b: §.nan }\n"),
    ("yaml-number", "do:\n- a:\n    set: { b: §1e999 }\n"),
    ("yaml-number", "do:\n- a:\n    set: { b: §" + "9" * 5000 + " }\n"),
    ("yaml-number", "do:\n- a:\n    set: { b: §!!int x }\n"),
    # Shape.
    ("wrong-type", "do: §{ a: 1 }\n"),
    ("wrong-type", "do: §1\n"),
    ("wrong-type", "do:§\n"),
    ("wrong-type", "do:\n- a: §1\n"),
    ("wrong-type", "do:\n- a:\n    do: []\n    if: §true\n"),
    ("wrong-type", "do:\n- a:\n    do: []\n    input: §x\n"),
    ("wrong-type", "do:\n- a:\n    call: http\n    with: { method: get, endpoint: §5 }\n"),
    ("wrong-type", "do:\n- a:\n    call: f\n    with: §[]\n"),
    ("wrong-type", "do:\n- a:\n    fork: { branches: [], compete: §'yes' }\n"),
    ("wrong-type", "do:\n- a:\n    switch: §{}\n"),
    ("wrong-type", "do:\n- a:\n    do: []\n    then: §5\n"),
    ("missing-property", "do:\n- a:\n    switch:\n    - x: §{ when: .x }\n"),
    ("wrong-type", "do:\n- a:\n    wait: §5\n"),
    ("wrong-type", "do:\n- a:\n    wait: { seconds: §'5' }\n"),
    ("wrong-type", "use: { secrets: §s }\ndo: []\n"),
    ("wrong-type", "do:\n- a:\n    call: §5\n"),
    (
        "wrong-type",
        "use: { retries: { r: { backoff: { exponential: { factor: §x } } } } }\ndo: []\n",
    ),
    (
        "wrong-type",
        "use: { retries: { r: { limit: { attempt: { count: §1.5 } } } } }\ndo: []\n",
    ),
    ("unknown-property", "do: []\n§steps: []\n"),
    ("unknown-property", "do:\n- a:\n    do: []\n    §timeuot: { after: PT1S }\n"),
    ("unknown-property", "do:\n- a:\n    for: { in: .x, §while: .y }\n    do: []\n"),
    ("unknown-property", "do:\n- a:\n    wait: { §second: 5 }\n"),
    (
        "unknown-property",
        "do:\n- a:\n    call: http\n    with: { method: get, §url: http://x.example }\n",
    ),
    ("missing-property", "do:\n- a:\n    §call: http\n"),
    ("missing-property", "do:\n- a:\n    call: http\n    with: §{ method: get }\n"),
    ("missing-property", "do:\n- a:\n    run: §{ await: true }\n"),
    ("missing-property", "do:\n- a:\n    call: a2a\n    with: §{ method: tasks/get }\n"),
    ("missing-property", "schedule: { §read: data }\ndo: []\n"),
    (
        "missing-property",
        "do:\n- a:\n    run: { container: { image: x, lifetime: §{ cleanup: eventually } } }\n",
    ),
    (
        "missing-property",
        "use: { authentications: { x: { basic: §{ username: u } } } }\ndo: []\n",
    ),
    (
        "conflicting-properties",
        "do:\n- a:\n    run: { script: { language: js, code: x, §source: { endpoint: /x.js } } }\n",
    ),
    (
        "conflicting-properties",
        "use: { secrets: [s], authentications: { x: { bearer: { token: t, §use: s } } } }\ndo: []\n",
    ),
    (
        "conflicting-properties",
        "do:\n- a:\n    run: { container: { image: x, lifetime: { cleanup: never, §after: PT1S } } }\n",
    ),
    (
        "conflicting-properties",
        "do:\n- a:\n    listen: { to: { one: { with: { type: t } }, §until: .x } }\n",
    ),
    ("not-allowed-value", "do:\n- a:\n    listen: { to: { any: [] }, read: §date }\n"),
    ("not-allowed-value", "do:\n- a:\n    listen: { to: { any: [], until: §true } }\n"),
    (
        "not-allowed-value",
        "use: { authentications: { x: { oauth2: { grant: §client-credentials } } } }\ndo: []\n",
    ),
    ("wrong-format", "do:\n- a:\n    for: { each: §$x, in: .y }\n    do: []\n"),
    ("wrong-format", "do:\n- a:\n    for: { each: §a-b, in: .y }\n    do: []\n"),
    ("wrong-format", "do:\n- §'':\n    do: []\n"),
    ("wrong-format", "do:\n- a:\n    call: http\n    with: { method: get, endpoint: §a b }\n"),
    ("wrong-format", "do:\n- a:\n    call: http\n    with: { method: get, endpoint: §'/{x' }\n"),
    ("wrong-format", "do:\n- a:\n    call: http\n    with: { method: get, endpoint: §'/{?x}' }\n"),
    ("wrong-format", "use: { secrets: [ §'' ] }\ndo: []\n"),
    ("wrong-format", "do:\n- a:\n    raise: { error: { type: x, status: 1, instance: §a } }\n"),
    ("out-of-range", "schedule: { every: §PT0S }\ndo: []\n"),
    (
        "out-of-range",
        "do:\n- a:\n    do: []\n    metadata: { sla: { within: PT1S, warn: §PT1S } }\n",
    ),
    ("out-of-range", "use: { retries: { r: { jitter: { from: PT2S, to: §PT1S } } } }\ndo: []\n"),
    (
        "out-of-range",
        "use: { retries: { r: { backoff: { exponential: { factor: §0.5 } } } } }\ndo: []\n",
    ),
    (
        "out-of-range",
        "use: { retries: { r: { limit: { attempt: { count: §-1 } } } } }\ndo: []\n",
    ),
    ("too-few", "do:\n- a:\n    set: §{}\n"),
    ("too-few", "do:\n- a:\n    switch: §[]\n"),
    ("too-few", "do:\n- a:\n    listen: { to: { one: { with: §{} } } }\n"),
    ("single-key", "do:\n- §a: { do: [] }\n  b: { do: [] }\n"),
    ("single-key", "do:\n- §do: []\n  if: .x\n"),
    ("single-key", "do:\n- §{}\n"),
    ("single-key", "do:\n- §x\n"),
    ("single-key", "do:\n- a:\n    switch: [ §x ]\n"),
    ("task-kind", "do:\n- a: §{}\n"),
    ("task-kind", "do:\n- a:\n    §cal: http\n"),
    ("task-kind", "do:\n- a:\n    call: f\n    §set: { b: 1 }\n"),
    ("duration", "do:\n- a:\n    wait: §5 seconds\n"),
    ("duration", "do:\n- a:\n    wait: §P1M\n"),
    ("duration", "do:\n- a:\n    wait: §{}\n"),
    ("duration", "do:\n- a:\n    wait: §{ seconds: -1 }\n"),
    ("duration", "do:\n- a:\n    wait: §P40000D\n"),
    ("duration", "schedule: { every: §'${ .x }' }\ndo: []\n"),
    (
        "expression-required",
        "do:\n- a:\n    call: http\n    with: { method: get, endpoint: /x, headers: §h }\n",
    ),
    ("unsupported", "evaluate: { language: §js }\ndo: []\n"),
    ("schema-format", "input: { schema: { format: §avro, document: { type: strng } } }\ndo: []\n"),
    # Names.
    ("unknown-task", "do:\n- pay:\n    do: []\n    then: §payy\n"),
    ("unknown-task", "do:\n- a:\n    do:\n    - b:\n        do: []\n        then: §a\n"),
    ("unknown-task", "do:\n- a:\n    switch:\n    - x: { then: §nowhere }\n"),
    ("unknown-task", "do:\n- a:\n    try: []\n    catch: { then: §nowhere }\n"),
    (
        "unknown-task",
        "do:\n- a:\n    fork:\n      branches:\n      - b: { do: [], then: §c }\n      - c: { do: [] }\n",
    ),
    ("unknown-task", "use: { functions: { f: { do: [], then: §a } } }\ndo:\n- a: { do: [] }\n"),
    ("duplicate-task", "do:\n- a: { do: [] }\n- §a: { do: [] }\n"),
    ("reserved-name", "do:\n- §end: { do: [] }\n"),
    ("reserved-name", "do:\n- a:\n    for: { each: §input, in: .y }\n    do: []\n"),
    ("reserved-name", "use: { catalogs: { §default: { endpoint: http://x.example } } }\ndo: []\n"),
    ("reserved-name", "use: { functions: { §http: { do: [] } } }\ndo: []\n"),
    ("variable-clash", "do:\n- a:\n    for: { each: x, at: §x, in: .y }\n    do: []\n"),
    ("variable-clash", "do:\n- a:\n    for: { each: §index, in: .y }\n    do: []\n"),
    (
        "unknown-authentication",
        (
            "do:\n- a:\n    call: http\n    with:\n      method: get\n"
            "      endpoint: { uri: /x, authentication: { use: §nobody } }\n"
        ),
    ),
    (
        "unknown-error",
        "use: { errors: { late: { type: /late, status: 1 } } }\ndo:\n- a:\n    raise: { error: §lat }\n",
    ),
    ("unknown-retry", "do:\n- a:\n    try: []\n    catch: { retry: §often }\n"),
    ("unknown-timeout", "do:\n- a:\n    do: []\n    timeout: §PT5S\n"),
    ("unknown-secret", "use: { authentications: { x: { bearer: { use: §token } } } }\ndo: []\n"),
    (
        "unknown-secret",
        "use: { secrets: [token] }\ndo:\n- a:\n    set: { b: '${ §$secrets.tokn }' }\n",
    ),
    ("unknown-secret", "do:\n- a:\n    set: { b: '${ §$secrets[\"a-b\"] }' }\n"),
    ("unknown-catalog", "do:\n- a:\n    call: §f:1.0.0@shop\n"),
    ("function-cycle", "use: { functions: { f: { call: §f } } }\ndo: []\n"),
    # Flow.
    ("unreachable-task", "do:\n- a:\n    do: []\n    then: end\n- §b: { do: [] }\n"),
    ("endless-loop", "do:\n- a: { do: [] }\n- b:\n    do: []\n    then: §a\n"),
    ("condition-with-jump", "do:\n- a:\n    if: .x\n    do: []\n    then: §end\n- b: { do: [] }\n"),
    (
        "many-defaults",
        "do:\n- a:\n    switch:\n    - x: { then: end }\n    - y: §{ then: exit }\n",
    ),
    # Expressions.
    ("expression-syntax", "do:\n- a:\n    set: { b: '${ .a + §) }' }\n"),
    ("expression-syntax", "do:\n- a:\n    if: .a + §)\n    do: []\n"),
    ("expression-syntax", "do:\n- a:\n    if: .a +§\n    do: []\n"),
    ("expression-syntax", "do:\n- a:\n    if: '${ §$ }'\n    do: []\n"),
    ("expression-syntax", 'do:\n- a:\n    if: "\\x2ea + §)"\n    do: []\n'),
    ("expression-syntax", "do:\n- a:\n    if: '.a == \"it''s\" §)'\n    do: []\n"),
    ("expression-syntax", "do:\n- a:\n    if: |\n      .a +\n        .b §)\n    do: []\n"),
    ("expression-syntax", "do:\n- a:\n    if: §>\n      .a +\n      .b )\n    do: []\n"),
    ("expression-syntax", "do:\n- a:\n    if: §'.a +\n      .b )'\n    do: []\n"),
    ("expression-syntax", "do:\n- a:\n    if: &x !!str .a + §)\n    do: []\n"),
    ("unknown-variable", "do:\n- a:\n    if: .x == §$input\n    do: []\n"),
    ("unknown-variable", "do:\n- a:\n    set: { b: '${ §$contxt.x }' }\n"),
    ("unknown-variable", "do:\n- a:\n    set: { b: '${ §$output }' }\n"),
    ("unknown-variable", "input: { from: §$context }\ndo: []\n"),
    ("embedded-expression", "do:\n- a:\n    set: { b: §'Hello ${ .name }' }\n"),
    (
        "embedded-expression",
        "do:\n- a:\n    call: grpc\n    with:\n      proto: { endpoint: /x }\n      service: { name: n, host: h }\n      method: §'${ .m }'\n",
    ),
    ("loose-evaluation", "evaluate: { mode: §loose }\ndo: []\n"),
    ("bare-expression", "do:\n- a:\n    set: { b: §.name }\n"),
    ("bare-expression", "do:\n- a:\n    set: §$error\n"),
    (
        "secret-in-decision",
        "use: { secrets: [s] }\ndo:\n- a:\n    if: §$secrets.s == 1\n    do: []\n",
    ),
    # Events, schedules and schemas.
    ("listen-to-nothing", "do:\n- a:\n    listen: { to: { all: §[] } }\n"),
    ("event-attribute", "do:\n- a:\n    emit: { event: { with: { type: t, §orderId: 1 } } }\n"),
    ("cron", "schedule: { cron: §'0 0 * *' }\ndo: []\n"),
    ("cron", "schedule: { cron: §'0 0 30 2 *' }\ndo: []\n"),
    ("schema-invalid", "input: { schema: { document: { type: §strng } } }\ndo: []\n"),
    (
        "schema-invalid",
        "input: { schema: { document: { allOf: [ { pattern: §'(' } ] } } }\ndo: []\n",
    ),
    ("schema-invalid", "input: { schema: { document: §5 } }\ndo: []\n"),
    (
        "schema-invalid",
        "input: { schema: { document: { $schema: §http://x.example/s } } }\ndo: []\n",
    ),
    ("schema-invalid", "input: { schema: { document: §{ $ref: '#/nowhere' } } }\ndo: []\n"),
    # Ours.
    ("metadata-key", "do:\n- a:\n    do: []\n    metadata: { §particpant: x }\n"),
    ("metadata-key", "do:\n- a:\n    do: []\n    metadata: { §team: x }\n"),
    (
        "compensate-nested",
        (
            "do:\n- a:\n    do: []\n    metadata:\n      compensate:\n        do: []\n"
            "        metadata: { compensate: §{ do: [] } }\n"
        ),
    ),
]
"""Documents that get a head."""

HEADS = [
    (
        "secret-key",
        (
            "document: { dsl: 1.0.3, namespace: a, name: b, version: 1.0.0, metadata: { keys: { k: §.pin } } }\n"
            "input: { schema: { document: { properties: { pin: { writeOnly: true } } } } }\ndo: []\n"
        ),
    ),
    ("dsl-version", "document: { dsl: §'0.8.0', namespace: a, name: b, version: 1.0.0 }\ndo: []\n"),
    ("wrong-format", "document: { dsl: §'one', namespace: a, name: b, version: 1.0.0 }\ndo: []\n"),
    ("wrong-type", "document: { dsl: §1.0, namespace: a, name: b, version: 1.0.0 }\ndo: []\n"),
    (
        "wrong-format",
        "document: { dsl: 1.0.3, namespace: §a_b, name: b, version: 1.0.0 }\ndo: []\n",
    ),
    ("wrong-format", "document: { dsl: 1.0.3, namespace: a, name: b, version: §'1.0' }\ndo: []\n"),
    (
        "metadata-key",
        (
            "document:\n  { dsl: 1.0.3, namespace: a, name: b, version: 1.0.0, metadata: { §controll: x } }\n"
            "do: []\n"
        ),
    ),
    (
        "unknown-participant",
        (
            "document:\n  dsl: 1.0.3\n  namespace: a\n  name: b\n  version: 1.0.0\n"
            "  metadata: { participants: { sales: {} } }\n"
            "do:\n- a:\n    do: []\n    metadata: { participant: §sale }\n"
        ),
    ),
    (
        "wrong-format",
        (
            "document:\n  dsl: 1.0.3\n  namespace: a\n  name: b\n  version: 1.0.0\n"
            "  metadata: { participants: { §a b: {} } }\ndo: []\n"
        ),
    ),
]
"""Documents with heads of their own."""


@pytest.mark.parametrize(("code", "text"), RAW)
def test_a_text_that_is_no_document_is_refused_where_it_goes_wrong(code, text, refused):
    problem = refused(code, text, raw=True)
    assert problem.message


@pytest.mark.parametrize(("code", "text"), DOCUMENTS + HEADS)
def test_a_mistake_is_named_once_and_where_it_stands(code, text, refused):
    problem = refused(code, text)
    assert problem.expected or problem.hint or code == "schema-invalid", problem.render()


def test_bytes_that_are_not_utf_8_are_refused_where_they_stand():
    (problem,) = check(b"a: 1\nbcd\xff").problems
    assert (problem.code, problem.line, problem.column) == ("text-encoding", 2, 4)


def test_a_lone_surrogate_is_refused_where_it_stands():
    (problem,) = check("a: 1\nbc\ud800").problems
    assert (problem.code, problem.line, problem.column) == ("text-encoding", 2, 3)


def test_a_function_that_is_not_deployed_is_refused(refused):
    text = "do:\n- a:\n    call: §reserveStok\n"
    problem = refused("unknown-function", text, known_functions={"reserveStock"})
    assert problem.hint == "did you mean `reserveStock`?"


def test_every_code_is_produced_by_a_test():
    here = {code for code, _ in RAW + DOCUMENTS + HEADS}
    assert here | {"text-encoding", "unknown-function"} == set(CODES)


def test_all_problems_are_reported_at_once(checked):
    report = checked(
        "do:\n- a:\n    wait: soon\n    then: nowhere\n- b:\n    call: http\n    wth: {}\n- c:\n    if: .a +\n"
    )
    assert [problem.code for problem in report.problems] == [
        "duration",
        "unknown-task",
        "unknown-property",
        "task-kind",
    ]
    assert not report.ok
