"""A thousand tasks are checked while one waits: the time is that of this thread alone."""

from __future__ import annotations

import json
import time

import pytest

from batuta.definition import check

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
    started = time.thread_time()
    report = check(text)
    took = time.thread_time() - started
    assert report.ok
    assert len(report.workflow.do) == 1_000
    assert took < 1.0
