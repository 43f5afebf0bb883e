"""Whatever is sent to the API, it answers as its own description says, and never breaks."""

import re
import subprocess
import sys

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup

WORKFLOW = """\
document: { dsl: '1.0.3', namespace: demo, name: greeting, version: '1.0.0' }
do:
  - hear: { listen: { to: { one: { with: { type: com.acme.go } } } }, timeout: { after: PT1S } }
"""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
"""Of each operation, and as many that are wrong on purpose."""

LASTING = {"/api/v1/stream"}
"""Answers that go on until whoever asks has enough."""


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A server as a user starts it; gives its address and token."""
    folder = tmp_path_factory.mktemp("up")
    (folder / "greeting.yaml").write_text(WORKFLOW)
    command = [sys.executable, "-m", "batuta", "up", str(folder), "--port", "0"]
    store = f"sqlite:///{folder}/runs.db"
    with subprocess.Popen(
        [*command, "--store", store], stdout=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        try:
            for line in process.stdout:
                found = re.search(r"(http://\S+)/#token=(\S+)", line)
                if found:
                    yield found.groups()
                    break
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def api(up):
    address, token = up
    headers = {"Authorization": f"Bearer {token}"}
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", headers=headers)


@pytest.mark.slow
def test_every_answer_is_one_that_is_described(api, up):
    address, token = up
    headers = {"Authorization": f"Bearer {token}"}
    looked_at, wrong = set(), []
    for result in api.get_all_operations():
        operation = result.ok()
        if operation.path in LASTING:
            continue
        looked_at.add(operation.label)

        for mode in GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                deadline=None,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def look(case):
                case.call_and_validate(base_url=address, headers=headers, checks=CHECKS)

            try:
                look()
            except FailureGroup as group:
                wrong.append(f"{operation.label}: {group}")
    assert wrong == []
    assert len(looked_at) > 30
