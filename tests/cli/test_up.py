"""`batuta up`: everything in a folder, until it is stopped."""

import signal

import pytest

from batuta.cli.folder import declares_functions, scan


@pytest.fixture
def project(folder):
    """A folder with a workflow that is right, one function file, and other things."""
    folder.joinpath("wrong.yaml").unlink()
    folder.joinpath("package.json").write_text('{"name": "x"}')
    folder.joinpath("script.py").write_text("raise SystemExit('not imported')\n")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("came", [signal.SIGINT, signal.SIGTERM])
def test_a_folder_is_run_until_a_signal_and_leaves_in_peace(project, start, came):
    one = start("up")
    last = "up with 3 workflows; Ctrl-C stops, and runs stay in the store\n"
    said = "".join(iter(one.stdout.readline, last))
    one.send_signal(came)

    assert one.wait(timeout=30) == 0
    assert "demo/greeting:1.0.0  (greeting.yaml)" in said
    assert "loaded functions.py" in said
    assert "skips  package.json: no workflow" in said
    assert "script.py" not in said
    assert "stopping" in one.stdout.read()
    assert one.stderr.read() == ""


@pytest.mark.slow
def test_a_run_that_was_left_behind_goes_on_and_its_end_is_told(
    project, start, cli, waiting, read_until
):
    one = start(
        "up", project, "--json", "--store", "sqlite:///.batuta/batuta.db", "--secret", "a=b"
    )
    read_until(one.stdout, '"what": "up"')
    cli("events", "publish", "com.acme.go")
    line = read_until(one.stdout, '"what": "ended"')

    assert waiting in line
    assert '"status": "completed"' in line


@pytest.mark.slow
def test_schedules_run_and_quiet_tells_no_runs(project, start, cli, read_until):
    project.joinpath("tick.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: demo, name: tick, version: '1.0.0'}\n"
        "schedule: { on: { one: { with: { type: com.acme.tick } } } }\n"
        "do:\n  - done: { set: { done: true } }\n"
    )
    loud = start("up", "--json")
    read_until(loud.stdout, '"what": "up"')
    cli("events", "publish", "com.acme.tick")
    told = [read_until(loud.stdout, '"demo/tick"') for _ in range(2)]
    loud.send_signal(signal.SIGTERM)
    loud.wait(timeout=30)

    assert ['"started"' in told[0], '"ended"' in told[1]] == [True, True]


@pytest.mark.slow
def test_quiet_says_nothing_of_single_runs(project, start, cli, waiting, read_until):
    one = start("up", "--quiet", "--functions", "functions.py")
    read_until(one.stdout, "up with")
    cli("events", "publish", "com.acme.go")
    while cli("runs", "list", "--status", "completed", "--json").json["runs"] == []:
        pass
    one.send_signal(signal.SIGINT)

    assert one.wait(timeout=30) == 0
    assert "completed" not in one.stdout.read()


def test_a_workflow_that_is_wrong_is_refused_with_its_problems(cli):
    said = cli("up")

    assert said.code == 2
    assert "--> wrong.yaml:4:7" in said.err
    assert "nothing was run" in said.err


def test_a_folder_with_nothing_to_run_is_refused(cli, folder):
    folder.joinpath("empty").mkdir()
    said = cli("up", "empty")

    assert said.code == 2
    assert "there is no workflow here" in said.err
    assert "batuta up FOLDER" in said.err


def test_a_folder_that_is_not_there_is_refused(cli):
    said = cli("up", "none")

    assert said.code == 2
    assert "none cannot be read: No such file or directory" in said.err


def test_a_folders_functions_must_import(cli, project):
    project.joinpath("broken.py").write_text("import batuta\n@batuta.function\ndef f(:\n")
    said = cli("up")

    assert said.code == 2
    assert "broken.py:3: SyntaxError" in said.err


@pytest.mark.parametrize(
    ("text", "declares"),
    [
        ("import batuta\n@batuta.function\ndef f(): ...", True),
        ("import batuta as b\n@b.function(name='g')\nasync def f(): ...", True),
        ("from batuta import function\n@function\ndef f(): ...", True),
        ("from batuta import function as task\n@task()\ndef f(): ...", True),
        ("class A:\n    import batuta\n    @batuta.function\n    def f(): ...", True),
        ("import batuta\ndef f(): ...", False),
        ("import other\n@other.function\ndef f(): ...", False),
        ("from other import function\n@function\ndef f(): ...", False),
        ("import batuta\n@batuta.deep.function\ndef f(): ...", False),
        ("import batuta\n@(lambda f: f)\ndef f(): ...", False),
        ("def f(:", False),
        ("import batuta\ndef f(:", True),
    ],
)
def test_functions_are_found_without_importing(text, declares):
    assert declares_functions(text) is declares


@pytest.mark.parametrize(
    ("name", "text", "is_one"),
    [
        ("a.yaml", "document:\n  dsl: '1.0.3'\n", True),
        ("a.yml", "document: { dsl: '1.0.3' }\n", True),
        ("a.json", '{"document": {"dsl": "1.0.3"}}', True),
        ("a.json", '{\n  "document": {\n "dsl": "1.0.3"}}', True),
        ("a.yaml", "openapi: 3.1.0\n", False),
        ("a.yaml", "document: a page\n", False),
        ("a.json", "{}", False),
    ],
)
def test_workflows_are_told_by_what_they_say(tmp_path, name, text, is_one):
    tmp_path.joinpath(name).write_text(text)
    tmp_path.joinpath(".hidden.yaml").write_text("document: {dsl: x}")
    tmp_path.joinpath("sub.yaml").mkdir()
    found = scan(tmp_path)

    assert [path.name for path in found.workflows] == ([name] if is_one else [])
    assert len(found.skipped) == (0 if is_one else 1)
