"""Choreographed runs by the command line: the same file, the same result, seen in the same way."""

import signal

import pytest

SHARED = """\
document: {dsl: '1.0.3', namespace: demo, name: shared, version: '1.0.0'}
do:
  - first: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
  - second: { call: greet, with: { name: '${ . }' }, metadata: { participant: office } }
  - shape: { set: { text: '${ . }' } }
"""

LASTING = """\
document: {dsl: '1.0.3', namespace: demo, name: lasting, version: '1.0.0'}
do:
  - first: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
  - pause: { wait: { hours: 1 }, metadata: { participant: office } }
"""

SHORT = LASTING.replace("hours: 1", "seconds: 3").replace("lasting", "short")


@pytest.fixture(autouse=True)
def workflows(folder):
    for name, text in {"shared": SHARED, "lasting": LASTING, "short": SHORT}.items():
        (folder / f"{name}.yaml").write_text(text)


def timeless(run):
    return [
        {name: value for name, value in task.items() if not name.endswith("At")}
        for task in run["tasks"]
    ]


def test_one_file_gives_one_result_and_one_trace_both_ways(run):
    orchestrated = run("shared", "--trace")
    choreographed = run("shared", "--trace", "--control", "choreographed")

    assert choreographed["control"] == "choreographed"
    assert choreographed["output"] == orchestrated["output"]
    assert list(choreographed) == list(orchestrated)
    assert timeless(choreographed) == timeless(orchestrated)


def test_a_fault_gives_the_code_and_the_error_of_an_orchestrated_run(run, folder):
    text = (folder / "failing.yaml").read_text()
    owned = text.replace("do:", "do:", 1).replace(
        "version: '1.0.0'}", "version: '1.0.0', metadata: {participant: desk}}"
    )
    (folder / "owned.yaml").write_text(owned)

    orchestrated = run("owned", code=1)
    choreographed = run("owned", "--control", "choreographed", code=1)

    assert choreographed["error"] == orchestrated["error"]


def test_lists_show_runs_of_both_kinds(cli, run):
    ids = {run("shared")["id"], run("shared", "--control", "choreographed")["id"]}

    assert {one["id"] for one in cli("runs", "list", "--json").json["runs"]} == ids


def test_a_run_that_nobody_has_is_cancelled_by_taking_its_participants_up(cli, run):
    left = run("lasting", "--control", "choreographed", "--wait", "0.5", code=4)

    said = cli("runs", "cancel", left["id"], "--json")

    assert (said.code, said.json["status"]) == (0, "cancelled"), said.err


def test_a_run_is_cancelled_from_beside_the_process_that_has_it(cli, start, read_until):
    process = start(
        "run", "lasting.yaml", "--functions", "functions.py", "--control", "choreographed"
    )
    read_until(process.stderr, "waits")
    run_id = cli("runs", "list", "--json").json["runs"][0]["id"]

    assert cli("runs", "cancel", run_id, "--json").json["status"] == "cancelled"
    assert process.wait(timeout=10) == 3


def test_what_a_killed_process_left_goes_on_with_resume(cli, start, read_until):
    process = start(
        "run", "short.yaml", "--functions", "functions.py", "--control", "choreographed"
    )
    read_until(process.stderr, "waits")
    process.send_signal(signal.SIGKILL)
    process.wait()

    said = cli("resume", "--wait", "20", "--json")

    assert said.code == 0, said.err
    assert [one["status"] for one in said.json["runs"]] == ["completed"]


def test_a_workflow_without_participants_is_refused(cli):
    said = cli("run", "failing.yaml", "--functions", "functions.py", "--control", "choreographed")

    assert said.code == 2
    assert "error[nobody-starts]" in said.err
