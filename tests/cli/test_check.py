"""`batuta check`: every problem of every file at its place."""

import pytest


def test_a_right_file_is_ok(cli):
    said = cli("check", "greeting.yaml")

    assert (said.code, said.out) == (0, "ok  greeting.yaml\n")


def test_all_problems_of_all_files_are_shown_with_their_lines(cli):
    said = cli("check", "wrong.yaml", "greeting.yaml", "none.yaml")

    assert said.code == 1
    assert "--> wrong.yaml:4:7" in said.out
    assert "4 |       sett: { a: 1 }\n  |       ^^^^\n" in said.out
    assert "hint: did you mean `set`?" in said.out
    assert "error[unknown-task]" in said.out
    assert "7 |       then: nowhere\n  |             ^^^^^^^\n" in said.out
    assert "ok  greeting.yaml" in said.out
    assert "error[file]: the file cannot be read: No such file or directory" in said.out
    assert said.out.endswith("3 errors, 0 warnings in 3 files\n")


def test_json_holds_every_file_and_problem(cli):
    said = cli("check", "--json", "wrong.yaml", "greeting.yaml")

    wrong, greeting = said.json["files"]
    assert said.code == 1
    assert greeting == {"file": "greeting.yaml", "ok": True, "problems": []}
    assert (wrong["file"], wrong["ok"]) == ("wrong.yaml", False)
    assert {problem["code"] for problem in wrong["problems"]} == {"task-kind", "unknown-task"}
    assert wrong["problems"][0]["line"] == 4


def test_a_warning_refuses_nothing(cli, folder):
    folder.joinpath("warns.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\n"
        "do:\n  - one: { set: { a: 1 }, then: end }\n  - two: { set: { a: 2 } }\n"
    )
    said = cli("check", "warns.yaml")

    assert said.code == 0
    assert "warning[unreachable-task]" in said.out
    assert "0 errors, 1 warning in 1 file" in said.out


def test_functions_are_looked_up_when_they_are_given(cli, folder):
    folder.joinpath("other.py").write_text(
        "import batuta\n@batuta.function\ndef great(name: str) -> str:\n    return name\n"
    )
    said = cli("check", "greeting.yaml", "--functions", "other.py")

    assert said.code == 1
    assert "error[unknown-function]" in said.out
    assert "did you mean `great`?" in said.out
    assert cli("check", "greeting.yaml", "--functions", "functions.py").code == 0


@pytest.mark.parametrize(
    ("functions", "told", "hint"),
    [
        ("none.py", "there is no file of functions at `none.py`", "looked at"),
        ("none", "there is no module `none`", "a file is named with its ending"),
    ],
)
def test_functions_that_are_not_there_are_a_wrong_request(cli, functions, told, hint):
    said = cli("check", "greeting.yaml", "--functions", functions)

    assert said.code == 2
    assert told in said.err
    assert hint in said.err


def test_one_file_named_twice_is_checked_once(cli):
    assert cli("check", "greeting.yaml", "greeting.yaml").out.count("greeting.yaml") == 1


def test_checking_makes_no_store(cli, folder):
    cli("check", "greeting.yaml")

    assert not folder.joinpath(".batuta").exists()


def test_functions_of_the_settings_are_looked_up_too(cli, folder):
    folder.joinpath("batuta.toml").write_text('functions = ["functions.py"]\n')
    folder.joinpath("wrongly.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\n"
        "do: [ { one: { call: gret, with: { name: Ada } } } ]\n"
    )

    assert cli("check", "greeting.yaml").code == 0
    assert "did you mean `greet`?" in cli("check", "wrongly.yaml").out


@pytest.fixture
def shared(folder):
    """A file in which a wait may fall to one participant or another, and how it is mended."""
    path = folder / "shared.yaml"
    text = (
        "document:\n  dsl: '1.0.3'\n  namespace: a\n  name: b\n  version: '1.0.0'\ndo:\n"
        "  - pay: { call: pay, metadata: { participant: bank } }\n"
        "  - tell: { call: tell, if: .x, metadata: { participant: desk } }\n"
        "  - pause:\n      wait: PT1S # a moment\n"
    )
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return path, text, text.replace("wait:", "metadata: { participant: desk }\n      wait:")


def test_what_needs_a_conductor_is_shown_only_when_there_is_to_be_none(cli, shared):
    assert cli("check", "shared.yaml").code == 0
    said = cli("check", "shared.yaml", "--control", "choreographed")

    assert said.code == 1
    assert "error[owner-ambiguous]: `pause` falls to whoever holds control" in said.out
    assert "--> shared.yaml:9:5" in said.out
    assert "--fix   shared.yaml: would name `desk` at `pause`\n" in said.out
    assert shared[0].read_text("utf-8-sig") == shared[1]


def test_a_document_that_says_so_is_checked_for_it(cli, shared):
    path, text, _ = shared
    path.write_text(text.replace("'1.0.0'", "'1.0.0'\n  metadata: { control: choreographed }"))

    assert "error[owner-ambiguous]" in cli("check", "shared.yaml").out
    assert cli("check", "shared.yaml", "--control", "orchestrated").code == 0


def test_fix_changes_the_file_and_shows_how(cli, shared):
    path, _, mended = shared
    path.chmod(0o640)
    said = cli("check", "shared.yaml", "--control", "choreographed", "--fix")

    assert said.code == 0
    assert "--- shared.yaml (before)\n+++ shared.yaml\n" in said.out
    assert "+      metadata: { participant: desk }\n" in said.out
    assert "fixed   shared.yaml: name `desk` at `pause`\nok  shared.yaml\n" in said.out
    assert path.read_bytes() == b"\xef\xbb\xbf" + mended.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in path.parent.glob(".*")] == []


def test_fix_leaves_what_it_cannot_write_exactly(cli, shared):
    path, text, _ = shared
    text = text.replace("pause:\n      wait", "? pause\n    : wait")
    path.write_text(text)
    said = cli("check", "shared.yaml", "--control", "choreographed", "--fix")

    assert said.code == 1
    assert "by hand shared.yaml: name `desk` at `pause`;" in said.out
    assert path.read_text() == text
    (told,) = cli("check", "shared.yaml", "--control", "choreographed", "--json").json["files"]
    assert told["repairs"] == [
        {"reference": "/do/2/pause", "participant": "desk", "state": "by hand"}
    ]


def test_json_tells_what_was_mended_and_what_is_left(cli, shared):
    path, text, _ = shared
    path.write_text(text + "  - last: { call: tell }\n")
    words = ("check", "shared.yaml", "--control", "choreographed", "--json")
    repair = {"reference": "/do/2/pause", "participant": "desk"}

    (before,) = cli(*words).json["files"]
    assert before["repairs"] == [{**repair, "state": "possible"}]
    (after,) = cli(*words, "--fix").json["files"]
    assert after["repairs"] == [{**repair, "state": "made"}]
    assert [one["code"] for one in after["problems"]] == ["owner-missing"]


def test_fix_says_that_there_is_nothing_it_can_mend(cli):
    said = cli("check", "failing.yaml", "--control", "choreographed", "--fix")

    assert said.code == 1
    assert said.out.endswith(
        "\n--fix has changed nothing: no participant is the only one that can be meant\n"
    )


@pytest.mark.parametrize(("file", "is_told"), [("shared.yaml", True), ("failing.yaml", False)])
def test_who_runs_it_anyway_is_told_of_fix_where_that_helps(cli, shared, file, is_told):
    said = cli("run", file, "--control", "choreographed")

    assert said.code == 2
    assert ("--control choreographed --fix" in said.err) is is_told


def test_fix_is_for_doing_without_a_conductor(cli, shared):
    said = cli("check", "shared.yaml", "--fix")

    assert said.code == 2
    assert "add --control choreographed" in said.err


def test_a_file_that_cannot_be_written_stays_as_it_is(cli, shared, monkeypatch):
    def full(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    said = cli("check", "shared.yaml", "--control", "choreographed", "--fix")

    assert said.code == 2
    assert "shared.yaml cannot be written: No space left on device" in said.err
    assert shared[0].read_text("utf-8-sig") == shared[1]
    assert [one.name for one in shared[0].parent.glob(".*")] == []


def test_an_event_that_no_workflow_of_the_folder_hears_is_a_warning(cli, folder):
    head = (
        "document: {dsl: '1.0.3', namespace: a, name: NAME, version: '1.0.0',"
        " metadata: {participant: p}}\n"
    )
    tell = "do: [ tell: { emit: { event: { with: { type: com.acme.told } } } } ]\n"
    hear = "do: [ hear: { listen: { to: { one: { with: { type: com.acme.told } } } } } ]\n"
    folder.joinpath("tells.yaml").write_text(head.replace("NAME", "tells") + tell)
    for name in ("wrong.yaml", "listening.yaml"):
        folder.joinpath(name).unlink()
    words = ("check", "tells.yaml", "tells.yaml", "--control", "choreographed")

    assert "warning[event-unheard]" in cli(*words).out
    folder.joinpath("hears.yaml").write_text(head.replace("NAME", "hears") + hear)
    assert "warning[" not in cli(*words).out
    folder.joinpath("hears.yaml").write_text("document: { dsl: '1.0.3' }\n")
    assert "warning[" not in cli(*words).out


def test_functions_from_elsewhere_are_read_for_who_performs_what(cli, folder):
    folder.joinpath("function.yaml").write_text("call: greet\nmetadata: { participant: desk }\n")
    folder.joinpath("calls.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\n"
        f"do: [ one: {{ call: '{folder.joinpath('function.yaml').as_uri()}' }} ]\n"
    )
    said = cli("check", "calls.yaml", "--control", "choreographed")

    assert (said.code, said.out) == (0, "ok  calls.yaml\n")


def test_a_run_without_a_conductor_is_refused_before_there_is_a_store(cli, folder, shared):
    said = cli("run", "shared.yaml", "--control", "choreographed", "--functions", "functions.py")

    assert said.code == 2
    assert "error[owner-ambiguous]" in said.err
    assert "--> shared.yaml:9:5" in said.err
    assert "--control orchestrated" in said.err
    assert not folder.joinpath(".batuta").exists()
