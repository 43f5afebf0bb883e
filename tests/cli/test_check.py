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
