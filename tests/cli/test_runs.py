"""`batuta runs`: looking at runs, and asking something of one that is driven or not."""

import pytest


def test_runs_are_listed_newest_first_and_filtered(cli, run):
    first, second = run("greeting")["id"], run("failing", code=1)["id"]

    def ids(*words):
        return [one["id"] for one in cli("runs", "list", "--json", *words).json["runs"]]

    assert ids() == [second, first]
    assert ids("--status", "faulted") == [second]
    assert ids("--workflow", "demo/greeting") == [first]
    assert ids("--workflow", "demo/greeting:2.0.0") == []
    assert ids("--limit", "1") == [second]
    assert ids("--before", second) == [first]


def test_runs_are_found_by_business_keys_times_and_more(cli, folder, run):
    text = folder.joinpath("greeting.yaml").read_text()
    head = "version: '1.0.0'"
    keyed = text.replace(head, f"{head}, metadata: {{ keys: {{ who: .name }} }}")
    folder.joinpath("keyed.yaml").write_text(keyed.replace("greeting", "keyed", 1))
    words = ("run", "keyed.yaml", "--functions", "functions.py", "--json", "--input")
    ada, bob = (cli(*words, f'{{"name": "{name}"}}').json["id"] for name in ("Ada", "Bob"))
    failed = run("failing", code=1)["id"]

    def ids(*words):
        return [one["id"] for one in cli("runs", "list", "--json", *words).json["runs"]]

    assert ids("--key", "who=Ada") == [ada]
    assert ids("--search", "Bo") == [bob]
    assert ids("--participant", "desk") == [bob, ada]
    assert ids("--control", "choreographed") == []
    assert ids("--error", "runtime") == [failed]
    assert ids("--status", "faulted", "--status", "cancelled", "--since", "1h") == [failed]
    assert ids("--until", "2020-01-31") == []
    assert ids("--stuck") == []
    assert cli("runs", "show", ada, "--json").json["keys"] == {"who": "Ada"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--key", "who"], "error: --key 'who': expected NAME=VALUE"),
        (["--key", "a=1", "--key", "a=2"], "error: --key 'a=2': expected NAME=VALUE, each name"),
        (["--since", "soon"], "error: 'soon' is no time"),
        (["--before", "X"], "error: there is no run X to go on from"),
    ],
)
def test_what_cannot_be_asked_of_a_list_is_refused(cli, run, words, said):
    run("greeting")
    refused = cli("runs", "list", *words)

    assert refused.code == 2
    assert refused.err.startswith(said)


def test_people_read_runs_as_a_table_and_how_to_go_on(cli, run):
    run("greeting")
    failed = run("failing", code=1)["id"]
    said = cli("runs", "list", "--limit", "1")
    heading, row = said.out.splitlines()

    assert heading.split() == ["ID", "WORKFLOW", "STATUS", "STARTED", "(UTC)", "TOOK", "WHY"]
    assert row.startswith(f"{failed}  demo/failing:1.0.0  faulted")
    assert row.endswith("ValueError")
    assert f"batuta runs list --before {failed}" in said.err


def test_an_empty_list_is_no_error(cli, run):
    run("greeting")
    said = cli("runs", "list", "--status", "cancelled")

    assert (said.code, said.out, said.err) == (0, "", "no runs\n")


def test_a_run_is_shown_with_its_timeline(cli, run):
    run_id = run("failing", code=1)["id"]
    said = cli("runs", "show", run_id)

    assert said.code == 0
    assert "greet  call  completed" in said.out
    assert "break  call  faulted" in said.out
    assert "title     ValueError" in said.out
    assert f"batuta runs retry {run_id}" in said.out


def test_a_run_that_waits_says_for_what_from_whom_and_since_when(cli, waiting):
    said = cli("runs", "show", waiting)
    told = cli("runs", "show", waiting, "--json").json

    assert (
        "expected next:\n  com.acme.go, for the conductor at hear (/do/1/hear); since" in said.out
    )
    assert told["conformance"] == {"verdict": "ok", "findings": []}
    assert [(one["what"], one["participant"]) for one in told["expected"]] == [("event", None)]


def test_a_trace_shows_what_tasks_were_given_and_answered(cli, run):
    run_id = run("failing", code=1)["id"]
    said = cli("runs", "show", run_id, "--trace")
    tasks = cli("runs", "show", run_id, "--trace", "--json").json["tasks"]

    assert 'out "Hello, Ada!"' in said.out
    assert 'err {"type"' in said.out
    assert tasks[0]["output"] == "Hello, Ada!"
    assert tasks[1]["error"]["title"] == "ValueError"
    assert "input" not in cli("runs", "show", run_id, "--json").json["tasks"][0]


@pytest.mark.parametrize("what", ["show", "cancel", "suspend", "resume", "retry"])
def test_a_run_that_is_not_there_is_refused(cli, run, what):
    run("greeting")
    said = cli("runs", what, "X")

    assert said.code == 2
    assert said.err == (
        "error: there is no run X\nhint: `batuta runs list` shows the runs of this store\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "list"],
        ["runs", "show", "X"],
        ["runs", "cancel", "X"],
        ["runs", "purge"],
        ["resume"],
        ["events", "tail"],
    ],
)
def test_looking_makes_no_store(cli, folder, words):
    said = cli(*words)

    assert said.code == 2
    assert said.err.startswith("error: there is no store at .batuta/batuta.db\nhint: go to the")
    assert not folder.joinpath(".batuta").exists()


def test_a_run_that_nobody_drives_is_taken_over_and_cancelled(cli, waiting):
    said = cli("runs", "cancel", waiting, "--json")

    assert said.code == 0
    assert "took over 1 run whose process is gone" in said.err
    assert said.json["status"] == "cancelled"


def test_cancelling_may_undo_nothing(cli, leave):
    waiting, other = leave(), leave()
    cli("runs", "cancel", waiting)
    said = cli("runs", "cancel", other, "--no-compensate", "--store", "sqlite:///.batuta/batuta.db")

    def tasks(run_id):
        shown = cli("runs", "show", run_id, "--json").json["tasks"]
        return [task["reference"] for task in shown]

    assert said.code == 0
    assert "/do/0/book/metadata/compensate" in tasks(waiting)
    assert "/do/0/book/metadata/compensate" not in tasks(other)


def test_what_is_undone_is_told_by_its_name(cli, waiting):
    said = cli("runs", "cancel", waiting)

    assert "completed  compensate book  (call)" in said.err


def test_what_was_undone_is_begun_again_and_not_gone_on_with(cli, folder):
    folder.joinpath("undone.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: demo, name: undone, version: '1.0.0'}\n"
        "do:\n"
        "  - book:\n"
        "      call: greet\n"
        "      with: { name: Ada }\n"
        "      metadata: { compensate: { call: greet, with: { name: Bob } } }\n"
        "  - break: { call: breaks, with: {} }\n"
    )
    said = cli("run", "undone.yaml", "--functions", "functions.py")

    assert said.code == 1
    assert "--from-start" in said.out


def test_what_has_ended_cannot_be_asked_anything(cli, run):
    run_id = run("greeting")["id"]

    for what, told in {
        "cancel": "it cannot be cancelled any more",
        "suspend": "it cannot be suspended any more",
    }.items():
        said = cli("runs", what, run_id)
        assert said.code == 2
        assert f"run {run_id} is completed: {told}" in said.err


def test_a_run_that_nobody_drives_is_suspended_and_resumed(cli, waiting):
    suspended = cli("runs", "suspend", waiting, "--json")
    resumed = cli("runs", "resume", waiting)

    assert (suspended.code, suspended.json["status"]) == (0, "suspended")
    assert resumed.code == 0
    assert "waiting after" in resumed.out
    assert "batuta up" in resumed.out


def test_a_resumed_run_goes_on_to_its_end(cli, waiting):
    cli("runs", "suspend", waiting)
    cli("events", "publish", "com.acme.go", "--data", "1")
    said = cli("runs", "resume", waiting, "--json")

    assert said.code == 0
    assert said.json["output"] == {"heard": 1}


@pytest.mark.slow
def test_a_run_that_another_process_drives_is_asked(start, cli):
    other = start("run", "listening.yaml", "--functions", "functions.py", "--json")
    run_id = ""
    while not run_id:
        if cli("runs", "list", "--status", "waiting").out:
            run_id = cli("runs", "list", "--json").json["runs"][0]["id"]

    refused = cli("runs", "resume", run_id)
    suspended = cli("runs", "suspend", run_id)
    resumed = cli("runs", "resume", run_id, "--json")
    cancelled = cli("runs", "cancel", run_id)

    assert refused.code == 2
    assert "is waiting, not suspended" in refused.err
    assert (suspended.code, suspended.err) == (0, "")
    assert suspended.out.startswith("suspended after")
    assert resumed.json["status"] == "waiting"
    assert cancelled.out.startswith("cancelled in")
    assert other.wait(timeout=30) == 3


def test_a_faulted_run_is_retried_from_where_it_faulted(cli, run, folder):
    run_id = run("failing", code=1)["id"]
    folder.joinpath("mended").touch()
    said = cli("runs", "retry", run_id)
    again = cli("runs", "list", "--json", "--limit", "1").json["runs"][0]

    assert said.code == 0
    assert f"run {again['id']} retries run {run_id}" in said.err
    assert "greet" not in said.err
    assert "completed  break" in said.err
    assert again["output"] == "mended"


def test_a_retry_that_faults_again_says_so(cli, run):
    run_id = run("failing", code=1)["id"]
    said = cli("runs", "retry", run_id)

    assert said.code == 1
    assert "batuta runs retry" in said.out


def test_a_retry_from_the_start_does_everything_again(cli, run, folder):
    run_id = run("failing", code=1)["id"]
    folder.joinpath("mended").touch()
    said = cli("runs", "retry", run_id, "--from-start", "--json", "--functions", "functions.py")

    assert said.json["output"] == "mended"
    assert said.json["id"] != run_id


def test_only_a_faulted_run_is_retried(cli, run):
    said = cli("runs", "retry", run("greeting")["id"], "--wait", "5", "--secret", "a=b")

    assert said.code == 2
    assert "only a faulted run can be retried" in said.err


def test_a_retry_needs_the_functions_that_were_recorded(cli, run, folder):
    run_id = run("failing", code=1)["id"]
    folder.joinpath("functions.py").rename(folder / "moved.py")
    folder.joinpath("mended").touch()
    refused = cli("runs", "retry", run_id)
    replaced = cli("runs", "retry", run_id, "--functions", "moved.py")

    assert refused.code == 2
    assert "functions.py is gone" in refused.err
    assert "give its replacement: --functions FILE.py" in refused.err
    assert replaced.code == 0
    assert "going on with the functions that were given" in replaced.err


def test_what_ended_long_ago_is_purged(cli, run):
    run("greeting")
    kept = cli("runs", "purge")
    gone = cli("runs", "purge", "--older-than", "0s", "--json")

    assert kept.out == "purged 0 runs that ended more than 30d ago\n"
    assert gone.json == {"purged": 1}
    assert cli("runs", "list", "--json").json == {"runs": []}


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1w", ""])
def test_an_age_that_is_none_is_refused(cli, run, age):
    run("greeting")
    said = cli("runs", "purge", "--older-than", age)

    assert said.code == 2
    assert "is no age" in said.err
    assert "90s, 15m, 12h, 30d" in said.err


def test_what_is_kept_for_ever_is_purged_only_by_age(cli, run, folder):
    run("greeting")
    folder.joinpath("batuta.toml").write_text("retention_days = 0\n")
    said = cli("runs", "purge")

    assert said.code == 2
    assert "kept for ever" in said.err


@pytest.mark.slow
def test_a_run_whose_process_was_killed_shows_as_it_stands(start, cli, read_until):
    one = start("run", "listening.yaml", "--functions", "functions.py")
    read_until(one.stderr, "waits")
    one.kill()
    one.wait(timeout=30)
    run_id = cli("runs", "list", "--json").json["runs"][0]["id"]
    said = cli("runs", "show", run_id)

    assert "hear  listen  running" in said.out


def test_what_is_marked_secret_is_shown_on_demand(cli, folder):
    schema = "{ schema: { document: { properties: { name: { format: password } } } } }"
    text = folder.joinpath("greeting.yaml").read_text().replace("greeting", "hushed", 1)
    folder.joinpath("hushed.yaml").write_text(f"{text}\ninput: {schema}\n")
    words = ("run", "hushed.yaml", "--functions", "functions.py", "--json", "--input")
    run = cli(*words, '{"name": "Adalbert"}').json["id"]
    hidden = cli("runs", "show", run, "--trace", "--json")
    shown = cli("runs", "show", run, "--trace", "--json", "--reveal")

    assert "Adalbert" not in hidden.out
    assert "[redacted]" in hidden.out
    assert "Adalbert" in shown.out
