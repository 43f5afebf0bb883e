"""`batuta run`: from a file to a result, for people and for programs."""

import json
import signal

import pytest

FIELDS = [
    "id",
    "workflow",
    "version",
    "control",
    "status",
    "output",
    "error",
    "startedAt",
    "endedAt",
]
TASK_FIELDS = [
    "reference",
    "name",
    "kind",
    "participant",
    "status",
    "attempt",
    "iteration",
    "startedAt",
    "endedAt",
]


def test_json_is_one_object_with_the_documented_members(program):
    said = program(
        "run",
        "greeting.yaml",
        "--functions",
        "functions.py",
        "--input",
        '{"name": "Ada"}',
        "--json",
    )

    assert said.code == 0
    assert said.err == ""
    assert list(said.json) == FIELDS
    assert said.json["workflow"] == "demo/greeting"
    assert said.json["version"] == "1.0.0"
    assert said.json["control"] == "orchestrated"
    assert said.json["status"] == "completed"
    assert said.json["output"] == {"text": "Hello, Ada!"}


def test_a_trace_adds_the_tasks_in_the_order_they_started(run):
    tasks = run("greeting", "--trace")["tasks"]

    assert [task["reference"] for task in tasks] == ["/do/0/greet", "/do/1/shape"]
    assert list(tasks[0]) == TASK_FIELDS
    assert tasks[0]["participant"] == "desk"
    assert (tasks[0]["attempt"], tasks[0]["iteration"]) == (1, None)


def test_people_read_a_summary_on_stdout_and_progress_on_stderr(cli):
    said = cli("run", "greeting.yaml", "--functions", "functions.py", "--trace")

    assert said.out.splitlines()[0].split()[:4] == ["AT", "TASK", "KIND", "PARTICIPANT"]
    assert "completed in " in said.out
    assert '    "text": "Hello, world!"' in said.out
    assert "  completed  greet  (call)  desk" in said.err


def test_a_fault_is_told_with_its_members_and_what_to_do_next(cli):
    said = cli("run", "failing.yaml", "--functions", "functions.py")

    assert said.code == 1
    assert "faulted in " in said.out
    for name, value in {
        "status": "500",
        "title": "ValueError",
        "detail": "broken \\x1b[31m",
        "instance": "/do/1/break",
    }.items():
        assert f"  {name:<9} {value}\n" in said.out
    assert "batuta runs retry " in said.out
    assert "batuta runs show " in said.out


def test_a_functions_traceback_is_cut_to_its_place(cli):
    said = cli("run", "failing.yaml", "--functions", "functions.py")

    assert "Traceback" not in said.err
    assert 'functions.py", line 13, in breaks\n  ValueError: broken \\x1b[31m\n' in said.err


def test_a_fault_is_an_object_for_programs(run):
    value = run("failing", code=1)

    assert value["status"] == "faulted"
    assert value["error"]["instance"] == "/do/1/break"


def test_a_run_that_has_not_ended_in_time_stays_in_the_store(cli):
    said = cli("run", "listening.yaml", "--functions", "functions.py", "--wait", "0.1", "--json")

    assert said.code == 4
    assert said.json["status"] in {"running", "waiting"}
    assert "stays in the store" in said.err
    assert "batuta resume" in said.err
    assert cli("runs", "list", "--json").json["runs"][0]["id"] == said.json["id"]


def test_what_to_type_next_names_the_store_that_was_typed(cli, folder):
    store = "sqlite:///other.db"
    said = cli(
        "run", "listening.yaml", "--functions", "functions.py", "--wait", "0", "--store", store
    )

    assert said.code == 4
    assert f"--store {store}" in said.err
    assert folder.joinpath("other.db").exists()
    assert not folder.joinpath(".batuta").exists()


@pytest.mark.parametrize(("came", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_run_in_the_store_and_says_so(start, cli, read_until, came, code):
    one = start("run", "listening.yaml", "--functions", "functions.py")
    read_until(one.stderr, "waits")
    one.send_signal(came)

    assert one.wait(timeout=30) == code
    assert "continue: batuta resume" in one.stderr.read()
    assert cli("runs", "list", "--json").json["runs"][0]["status"] == "waiting"


@pytest.mark.parametrize(
    ("given", "stdin", "name"),
    [('{"name": "Bob"}', None, "Bob"), ("@in.json", None, "Eve"), ("-", '{"name": "Joe"}', "Joe")],
)
def test_input_is_typed_or_in_a_file_or_piped(cli, folder, given, stdin, name):
    folder.joinpath("in.json").write_text('{"name": "Eve"}')
    words = ["run", "greeting.yaml", "--functions", "functions.py", "--json"]
    said = cli(*words, "--input", given, stdin=stdin)

    assert said.json["output"] == {"text": f"Hello, {name}!"}


@pytest.mark.parametrize(
    ("words", "stdin", "told", "hint"),
    [
        (["--input", '{"a":'], None, "--input is not JSON: line 1, column 6", "--input @FILE"),
        (["--input", "name"], None, "line 1, column 1: expecting value", "--input -"),
        (["--input", "-"], "[1,\n2,]", "--input (from stdin) is not JSON: line 2, column 3", "-"),
        (["--input", "@none.json"], None, "--input (none.json) cannot be read", "a JSON file"),
        (["--input", "@latin.json"], None, "is not UTF-8 text", "JSON is UTF-8"),
        (["--input", "[NaN]"], None, "NaN is no JSON number", "write null"),
        (["--input", "[" * 100_000], None, "nested too deeply", "flatten it"),
        (["--functions", "none.py"], None, "no file of functions at `none.py`", "looked at"),
        (["--store", "mysql://x"], None, "'mysql://x' is no store", "sqlite:///FILE"),
        (["--secret", "hunter2"], None, "--secret number 1 is not NAME=VALUE", "quote it"),
        (["--secret", "=x"], None, "--secret number 1 is not NAME=VALUE", "quote it"),
    ],
)
def test_a_wrong_request_is_refused_with_a_hint_and_makes_no_store(
    cli, folder, words, stdin, told, hint
):
    folder.joinpath("latin.json").write_bytes(b'"\xe9"')
    functions = [] if "--functions" in words else ["--functions", "functions.py"]
    said = cli("run", "greeting.yaml", *functions, *words, stdin=stdin)

    assert said.code == 2
    assert told in said.err
    assert f"hint: {''}" in said.err
    assert hint in said.err.partition("hint: ")[2]
    assert "hunter2" not in said.err
    assert not folder.joinpath(".batuta").exists()


def test_a_file_that_is_not_there_is_refused(cli):
    said = cli("run", "none.yaml")

    assert said.code == 2
    assert said.err == (
        "error: none.yaml cannot be read: No such file or directory\n"
        "hint: give the path of a workflow file, YAML or JSON\n"
    )


def test_a_wrong_document_is_refused_with_every_problem(cli, folder):
    said = cli("run", "wrong.yaml")

    assert said.code == 2
    assert "--> wrong.yaml:4:7" in said.err
    assert "--> wrong.yaml:7:13" in said.err
    assert "error: 2 errors: nothing was run\n" in said.err
    assert not folder.joinpath(".batuta").exists()


def test_an_unknown_function_is_refused_and_the_option_named(cli, folder):
    said = cli("run", "greeting.yaml")

    assert said.code == 2
    assert "error[unknown-function]: there is no function `greet`" in said.err
    assert (
        "hint: name the Python functions that the workflow calls: --functions FILE.py" in said.err
    )
    assert not folder.joinpath(".batuta").exists()


def test_a_misspelt_function_is_answered_with_the_name_that_was_meant(cli, folder):
    folder.joinpath("greeting.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\n"
        "do: [ { one: { call: gret, with: { name: Ada } } } ]\n"
    )
    said = cli("run", "greeting.yaml", "--functions", "functions.py")

    assert said.code == 2
    assert "did you mean `greet`?" in said.err
    assert "--functions" not in said.err


def test_a_document_says_which_control_model_it_is_for_until_told_otherwise(cli, folder):
    text = folder.joinpath("greeting.yaml").read_text()
    folder.joinpath("chosen.yaml").write_text(
        text.replace("version: '1.0.0'}", "version: '1.0.0', metadata: {control: choreographed}}")
    )
    words = ["run", "chosen.yaml", "--functions", "functions.py", "--json"]

    assert cli(*words).json["control"] == "choreographed"
    assert cli(*words, "--control", "orchestrated").json["control"] == "orchestrated"


def test_a_changed_document_takes_the_place_of_the_one_before(run, folder):
    run("greeting")
    text = folder.joinpath("greeting.yaml").read_text()
    folder.joinpath("greeting.yaml").write_text(text.replace("text:", "words:"))

    assert run("greeting")["output"] == {"words": "Hello, world!"}


def test_a_document_that_a_run_still_needs_is_not_replaced(cli, waiting, folder):
    text = folder.joinpath("listening.yaml").read_text()
    folder.joinpath("listening.yaml").write_text(text.replace("heard:", "got:"))
    said = cli("run", "listening.yaml", "--functions", "functions.py")

    assert said.code == 2
    assert "demo/listening:1.0.0" in said.err
    assert "hint: " in said.err


def test_settings_beside_the_file_are_read_and_their_paths_meant_from_there(cli, folder):
    project = folder / "project"
    project.mkdir()
    for name in ("greeting.yaml", "functions.py"):
        folder.joinpath(name).rename(project / name)
    project.joinpath("batuta.toml").write_text(
        'functions = ["functions.py"]\nstore = "sqlite:///runs.db"\n'
    )
    # The same file once more, under another name: it is loaded once.
    said = cli("run", "project/greeting.yaml", "--functions", "./project/functions.py", "--json")

    assert said.code == 0, said.err
    assert project.joinpath("runs.db").exists()


def test_a_wrong_setting_is_refused(cli, folder):
    folder.joinpath("batuta.toml").write_text("functoins = []\n")
    said = cli("run", "greeting.yaml")

    assert said.code == 2
    assert "functoins" in said.err
    assert "the settings are: store, folder, functions" in said.err


def test_secrets_are_given_by_hand_and_never_shown(cli, folder):
    folder.joinpath("secret.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: demo, name: secret, version: '1.0.0'}\n"
        "use: { secrets: [token] }\n"
        "do:\n  - greet: { call: greet, with: { name: '${ $secrets.token }' } }\n"
    )
    words = ["run", "secret.yaml", "--functions", "functions.py", "--json"]
    said = cli(*words, "--secret", "token=a=hunter2")
    missing = cli(*words)

    assert said.code == 0, said.err
    assert "hunter2" not in said.out
    assert missing.code == 1
    assert "`batuta secrets set token`" in json.dumps(missing.json["error"])
