"""`batuta resume`: what was left behind goes on, in whatever process comes next."""

import signal

import pytest


def test_nothing_left_behind_is_no_error(cli, run):
    run("greeting")

    assert cli("resume").out.startswith("nothing to continue")
    assert cli("resume", "--json").json == {"takenOver": 0, "runs": []}


def test_a_run_that_only_waits_stays_in_the_store(cli, waiting):
    said = cli("resume")

    assert said.code == 0
    assert "took over 1 run whose process is gone" in said.err
    assert said.out.startswith("waiting after")
    assert "batuta resume --wait 60" in said.out


def test_waiting_for_a_run_that_waits_has_an_end(cli, waiting):
    said = cli("resume", "--wait", "0.1", "--json")

    assert said.code == 4
    assert said.json["takenOver"] == 1
    assert said.json["runs"][0]["status"] == "waiting"


def test_a_run_goes_on_with_what_was_published_meanwhile(cli, waiting):
    cli("events", "publish", "com.acme.go", "--data", "[1]")
    said = cli("resume")

    assert said.code == 0
    assert said.out.startswith("completed in")
    assert "completed  hear  (listen)" in said.err
    assert "book" not in said.err


def test_several_runs_are_told_as_they_end_and_counted(cli, leave, waiting):
    leave()
    cli("runs", "suspend", waiting)
    cli("events", "publish", "com.acme.go")
    said = cli("resume", "--store", "sqlite:///.batuta/batuta.db")

    assert said.code == 0
    assert "took over 2 runs" in said.err
    assert "completed  demo/listening:1.0.0" in said.err
    assert said.out.startswith("2 runs: 1 suspended, 1 completed\n")
    assert f"suspended  {waiting}" in said.out


def test_a_run_that_faults_after_all_gives_its_code(cli, folder):
    folder.joinpath("late.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: demo, name: late, version: '1.0.0'}\n"
        "do:\n  - hear: { listen: { to: { one: { with: { type: com.acme.go } } } } }\n"
        "  - break: { call: breaks, with: {} }\n"
    )
    left = cli("run", "late.yaml", "--functions", "functions.py", "--wait", "0")
    cli("events", "publish", "com.acme.go")
    said = cli("resume")

    assert left.code == 4
    assert said.code == 1
    assert "title     ValueError" in said.out


def test_recorded_functions_that_are_gone_have_to_be_replaced(cli, folder, waiting):
    folder.joinpath("functions.py").rename(folder / "moved.py")
    cli("events", "publish", "com.acme.go")
    refused = cli("resume")
    replaced = cli("resume", "--functions", "moved.py", "--secret", "a=b")

    assert refused.code == 2
    assert "functions.py is gone" in refused.err
    assert "hint: put the file back" in refused.err
    assert replaced.code == 0


@pytest.mark.slow
def test_a_run_under_way_survives_the_death_of_its_process(start, cli, folder, read_until):
    folder.joinpath("slow.py").write_text(
        "import asyncio, batuta\nfrom pathlib import Path\n\n\n"
        "@batuta.function\nasync def wait_for(name: str) -> str:\n"
        "    print('begun', flush=True)\n"
        "    while not Path(name).exists():\n        await asyncio.sleep(0.01)\n"
        "    return name\n"
    )
    folder.joinpath("slow.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: demo, name: slow, version: '1.0.0'}\n"
        "do:\n  - wait: { call: wait_for, with: { name: there } }\n"
    )
    one = start("run", "slow.yaml", "--functions", "slow.py")
    read_until(one.stdout, "begun")
    one.kill()
    one.wait(timeout=30)
    folder.joinpath("there").touch()
    said = cli("resume", "--json")

    assert said.code == 0
    assert [view["output"] for view in said.out and _last_json(said.out)["runs"]] == ["there"]


def _last_json(text):
    """Give the object of the last line; before it stands what the function printed."""
    import json

    return json.loads(text.splitlines()[-1])


@pytest.mark.slow
def test_who_is_waited_for_is_told(cli, folder, start, read_until):
    folder.joinpath("batuta.toml").write_text(
        "functions = ['functions.py']\nparticipants = { desk = { remote = true } }\n"
    )
    assert cli("run", "greeting.yaml", "--control", "choreographed", "--wait", "0").code == 4
    one = start("resume")
    said = read_until(one.stderr, "waiting for")
    one.send_signal(signal.SIGINT)

    assert said.startswith("waiting for desk; ")
    assert "batuta participant desk" in said
    assert one.wait(timeout=30) == 130
