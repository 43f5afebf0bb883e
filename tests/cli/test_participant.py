"""`batuta participant`: one participant as a process of its own."""

import signal

import pytest

SHARED = """\
document: {dsl: '1.0.3', namespace: demo, name: shared, version: '1.0.0'}
do:
  - first: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
  - pause: { wait: { milliseconds: 700 }, metadata: { participant: office } }
  - second: { call: greet, with: { name: '${ . }' }, metadata: { participant: office } }
"""

REMOTE = "[participants.desk]\nremote = true\n[participants.office]\nremote = true\n"

FOREIGN = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: foreign
  version: '1.0.0'
  metadata: { participant: desk, participants: { desk: {}, courier: { external: true } } }
do:
  - bring: { call: bring, with: {}, metadata: { participant: courier } }
"""


@pytest.fixture
def shared(folder):
    """A folder of its own for the workflow, with everybody elsewhere by its settings."""
    for name in ("greeting", "failing", "listening", "wrong"):
        (folder / f"{name}.yaml").unlink()
    (folder / "shared.yaml").write_text(SHARED)
    (folder / "batuta.toml").write_text(REMOTE)
    return folder


@pytest.fixture
def took_part(start, read_until):
    """Start participants as processes and wait until they are there."""

    def started(*names):
        processes = [start("participant", name, "--functions", "functions.py") for name in names]
        for one in processes:
            read_until(one.stdout, "is up over sqlite:///.batuta/participants/")
        return processes

    return started


@pytest.mark.slow
def test_participants_carry_a_run_through_as_processes_and_leave_in_peace(shared, took_part, cli):
    processes = took_part("desk", "office")

    said = cli("run", "shared.yaml", "--control", "choreographed", "--wait", "20", "--json")
    for one, came in zip(processes, (signal.SIGINT, signal.SIGTERM), strict=True):
        one.send_signal(came)

    assert said.json["output"] == "Hello, Hello, Ada!!"
    assert [one.wait(timeout=20) for one in processes] == [0, 0]
    told = [one.stdout.read() for one in processes]
    assert all(f"started    demo/shared:1.0.0  run {said.json['id']}" in text for text in told)
    assert f"completed  demo/shared:1.0.0  run {said.json['id']}" in told[1]
    assert all("stopping" in text for text in told)
    assert [one.stderr.read() for one in processes] == ["", ""]


@pytest.mark.slow
def test_what_a_killed_participant_had_under_way_goes_on_when_it_is_back(
    shared, took_part, start, cli, read_until
):
    _, office = took_part("desk", "office")
    asking = start("run", "shared.yaml", "--control", "choreographed", "--json")
    read_until(office.stdout, "started")
    office.kill()
    office.wait()
    took_part("office")

    out, err = asking.communicate(timeout=20)

    assert asking.returncode == 0, err
    assert '"Hello, Hello, Ada!!"' in out


def test_a_name_that_no_workflow_has_is_refused_with_those_that_there_are(shared, cli):
    said = cli("participant", "desks")

    assert said.code == 2
    assert "no workflow here has a task of participant 'desks'" in said.err
    assert "participants are: desk, office" in said.err


@pytest.mark.slow
def test_of_one_participant_there_is_one_process(shared, took_part, cli):
    took_part("desk")
    said = cli("participant", "desk")

    assert said.code == 2
    assert "another process is participant desk" in said.err
    assert "stop that one first" in said.err


def test_a_participant_needs_the_functions_of_its_own_tasks_and_no_others(shared, cli):
    shared.joinpath("functions.py").write_text(
        "import batuta\n\n\n@batuta.function\ndef other() -> None: ...\n"
    )
    said = cli("participant", "desk")

    assert said.code == 2
    assert "--> shared.yaml:3:20" in said.err
    assert "shared.yaml:5" not in said.err
    assert "--functions FILE.py" in said.err


def test_a_service_that_is_not_ours_is_not_run_here(shared, cli):
    shared.joinpath("shared.yaml").write_text(FOREIGN)
    said = cli("participant", "courier")

    assert said.code == 2
    assert "courier is a service that is not ours" in said.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("desk", "--workflows", "empty"), "there is no workflow here"),
        (("desk", "--workflows", "none"), "none cannot be read"),
        (("desk", "--bus", "kafka://x"), "kafka:// is no bus that this version knows"),
        (("desk", "--store", "postgres://x"), "is no store that this version knows"),
    ],
)
def test_places_that_are_wrong_are_refused(shared, cli, words, expected):
    shared.joinpath("empty").mkdir()
    said = cli("participant", *words)

    assert said.code == 2
    assert expected in said.err
    assert "hint:" in said.err


@pytest.mark.slow
def test_a_participant_performs_the_tasks_of_conductors_as_well(shared, took_part, cli):
    processes = took_part("desk", "office")

    said = [
        cli("run", "shared.yaml", "--control", control, "--wait", "20", "--json", "--trace").json
        for control in ("orchestrated", "choreographed", "orchestrated")
    ]

    assert [one["output"] for one in said] == ["Hello, Hello, Ada!!"] * 3
    assert {task["participant"] for task in said[0]["tasks"]} == {"desk", "office"}
    assert [one.poll() for one in processes] == [None, None]


@pytest.mark.slow
def test_a_fault_of_a_participant_is_the_conductors_to_see(shared, took_part, cli):
    shared.joinpath("shared.yaml").write_text(
        SHARED.replace("call: greet, with: { name: Ada }", "call: breaks, with: {}")
    )
    took_part("desk")
    said = cli("run", "shared.yaml", "--wait", "20", "--json")

    assert said.code == 1
    assert said.json["error"]["detail"].startswith("broken")
    assert said.json["error"]["instance"] == "/do/0/first"
