"""`batuta new`: a project that passes its own README."""

import re
import shlex

import pytest

from batuta.cli.commands.new import project_name


def test_a_new_project_does_what_its_page_says(cli, folder, monkeypatch):
    made = cli("new", "My Shop")
    monkeypatch.chdir(folder / "My Shop")
    page = (folder / "My Shop" / "README.md").read_text()
    commands = re.findall(r"^batuta ([^#\n]*)", page, re.MULTILINE)
    said = [cli(*shlex.split(command)) for command in commands]

    assert made.code == 0
    assert len(commands) == 5
    assert [one.code for one in said] == [0, 0, 0, 0, 0]
    assert '"text": "Hello, Ada!"' in said[1].out
    assert '"text": "Hello, world!"' in said[2].out
    assert "my-shop/greeting:1.0.0  completed" in said[4].out
    assert "\nidentical: " in said[3].out
    assert sorted(path.name for path in (folder / "My Shop").iterdir() if path.is_file()) == [
        ".gitignore",
        "README.md",
        "batuta.toml",
        "functions.py",
        "greeting.yaml",
    ]


def test_what_to_type_next_is_told(cli):
    said = cli("new", "shop")

    assert "cd shop" in said.out
    assert "batuta run greeting.yaml" in said.out


def test_an_empty_folder_is_filled(cli, folder):
    folder.joinpath("empty").mkdir()

    assert cli("new", "empty").code == 0


@pytest.mark.parametrize("name", [".", "greeting.yaml", "greeting.yaml/x"])
def test_nothing_is_written_over(cli, name):
    said = cli("new", name)

    assert said.code == 2
    assert said.err.startswith(f"error: {name} ")
    assert "hint: choose another name" in said.err


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [("shop", "shop"), ("My_Shop 2", "my-shop-2"), ("-x-", "x"), ("日本", "project")],
)
def test_the_name_is_one_that_the_dsl_takes(tmp_path, folder_name, name):
    assert project_name(tmp_path / folder_name) == name
    assert len(project_name(tmp_path / ("a" * 80))) == 63
