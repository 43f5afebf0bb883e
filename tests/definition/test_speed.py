"""A thousand tasks are checked while one waits: the time is that of this thread alone."""

from __future__ import annotations

import json
import sys
import time

import pytest

from batuta.definition import check

PATIENCE_S = 1.0 if sys.gettrace() is None else 15.0
"""A run that measures coverage measures itself rather than us."""

HEAD = "document: { dsl: '1.0.3', namespace: test, name: long, version: '0.1.0' }\ndo:\n"
TASK = """- task{0}:
    call: http
    with:
      method: get
      endpoint: https://shop.example/orders/{{id}}
      query: {{ page: '${{ .page + {0} }}', sort: "${{ .sort // \\"name\\" }}" }}
    output: {{ as: '.content | {{ id, total: (.price * .quantity), n: {0} }}' }}
    metadata: {{ participant: orders }}
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_thousand_tasks_are_checked_within_a_second(form):
    text = HEAD + "".join(TASK.format(number) for number in range(1_000))
    assert text.count("\n") > 8_000
    if form == "json":
        text = json.dumps(check(text).workflow.source, indent=2)
    took: list[float] = []
    # What else the machine does takes from a thread too; the best of a few tries is ours.
    while not took or (min(took) >= PATIENCE_S and len(took) < 3):
        started = time.thread_time()
        report = check(text)
        took.append(time.thread_time() - started)
    assert report.ok
    assert len(report.workflow.do) == 1_000
    assert min(took) < PATIENCE_S


def many(number, line):
    return "".join(line.format(index) for index in range(number))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        HEAD + many(3_000, "- task{0}: {{ do: [], then: tusk{0} }}\n"),
        HEAD + many(3_000, "- t{0}: {{ call: f, metadata: {{ compensate: {{ call: g{0} }} }} }}\n"),
        HEAD + "- a: { set: { b: '${ " + many(3_000, "$secrets.s{0} + ") + " 1 }' } }\n",
        HEAD + "- a: { set: { b: '${ " + many(2_000, "$v{0} + ") + " 1 }' } }\n",
        HEAD + "- ? " + "x" * 1_000_000 + "\n  : 1\n",
        HEAD.replace("do:", "use:\n  functions:\n") + many(3_000, "    f{0}: {{ call: f{0} }}\n"),
        '{"a": "' + "\\" * 1_000_000 + '"}',
    ],
    ids=["targets", "calls", "secrets", "variables", "key", "functions", "backslashes"],
)
def test_a_hostile_document_costs_no_more_than_a_large_one(text):
    started = time.thread_time()
    report = check(text, known_functions=[f"f{index}" for index in range(3_000)])
    took = time.thread_time() - started
    assert not report.ok
    assert took < 2 * PATIENCE_S
