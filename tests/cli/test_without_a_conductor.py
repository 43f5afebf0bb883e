"""A folder whose workflows have no conductor, run by `batuta up` and seen from beside it."""

import json
import signal
from itertools import pairwise

import pytest

TICK = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: tick
  version: '1.0.0'
  metadata: { control: choreographed }
schedule: { on: { one: { with: { type: com.acme.tick } } } }
do:
  - first: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
  - hear:
      listen: { to: { one: { with: { type: com.acme.go } } } }
      metadata: { participant: office }
  - tell:
      emit: { event: { with: { type: com.acme.told, source: /office, data: '${ .[0] }' } } }
      metadata: { participant: office }
"""

HEARING = """\
document: {dsl: '1.0.3', namespace: demo, name: hearing, version: '1.0.0'}
do:
  - hear: { listen: { to: { one: { with: { type: com.acme.told } } } } }
"""

AFTER = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: again
  version: '1.0.0'
  metadata: { control: choreographed }
schedule: { after: { milliseconds: 100 } }
do:
  - first: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
"""


@pytest.fixture
def project(folder):
    """A folder in which everything is right."""
    folder.joinpath("wrong.yaml").unlink()
    return folder


def types(cli):
    return [line["event"]["type"] for line in cli("events", "tail", "--json").lines]


@pytest.mark.slow
def test_events_reach_the_runs_of_both_models_and_schedules_start_those_of_either(
    project, start, cli, read_until
):
    project.joinpath("tick.yaml").write_text(TICK)
    project.joinpath("hearing.yaml").write_text(HEARING)
    up = start("up", "--json")
    assert '["desk", "office"]' in read_until(up.stdout, '"what": "participants"')
    read_until(up.stdout, '"what": "up"')

    hearing = start("run", "hearing.yaml", "--wait", "30", "--json")
    while not cli("runs", "list", "--workflow", "demo/hearing", "--json").json["runs"]:
        pass
    cli("events", "publish", "com.acme.tick")
    assert '"choreographed"' in read_until(up.stdout, '"what": "started"')
    cli("events", "publish", "com.acme.go", "--data", '{"a": 1}')
    ended = read_until(up.stdout, '"what": "ended"')
    out, err = hearing.communicate(timeout=30)

    assert '"completed"' in ended
    assert hearing.returncode == 0, err
    assert json.loads(out)["output"] == [{"a": 1}]
    assert types(cli) == ["com.acme.tick", "com.acme.go", "com.acme.told"]


@pytest.mark.slow
def test_a_schedule_goes_by_the_end_of_a_run_that_has_no_conductor(project, start, cli, read_until):
    project.joinpath("again.yaml").write_text(AFTER)
    up = start("up", "--json")
    for _ in range(3):
        read_until(up.stdout, '"what": "ended"')
    up.send_signal(signal.SIGTERM)
    up.wait(timeout=30)

    runs = cli("runs", "list", "--workflow", "demo/again", "--json").json["runs"]
    ended = [run for run in reversed(runs) if run["endedAt"]]
    assert len(ended) >= 3
    for before, behind in pairwise(ended):
        assert behind["startedAt"] >= before["endedAt"]


@pytest.mark.slow
def test_a_run_that_is_started_from_beside_is_performed_by_those_that_are_up(
    project, start, cli, run, read_until
):
    project.joinpath("tick.yaml").write_text(TICK)
    up = start("up", "--json")
    read_until(up.stdout, '"what": "up"')

    left = run("tick", "--wait", "0.2", code=4)
    assert cli("runs", "suspend", left["id"], "--json").json["status"] == "suspended"
    assert cli("runs", "resume", left["id"], "--json").json["status"] in {"running", "waiting"}
    assert cli("runs", "cancel", left["id"], "--json").json["status"] == "cancelled"
    assert left["id"] in read_until(up.stdout, '"what": "ended"')


def test_a_workflow_that_cannot_do_without_a_conductor_is_refused(project, cli):
    text = TICK.replace("metadata: { participant: desk }", "metadata: { }")
    project.joinpath("tick.yaml").write_text(text)
    said = cli("up")

    assert said.code == 2
    assert "first" in said.err
