"""What a terminal sees that a pipe does not: colours, tables, a live view."""

import os
import pty
import subprocess
import sys

import pytest

from batuta.cli import paper
from batuta.cli.accounts import between, brief_time, lasting, rfc3339


@pytest.fixture
def terminal(folder):
    """Run the program on a terminal of its own; give its exit code and all it wrote."""

    def typed(*words, **environment):
        ours, theirs = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        one = subprocess.Popen(
            [sys.executable, "-m", "batuta", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**kept, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
        )
        os.close(theirs)
        read = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the other side has closed
                break
            if not part:
                break
            read += part
        os.close(ours)
        return one.wait(timeout=30), read.decode()

    return typed


@pytest.mark.slow
def test_a_terminal_sees_tasks_live_and_in_colour(terminal):
    code, text = terminal("run", "failing.yaml", "--functions", "functions.py")

    assert code == 1
    assert "\x1b[32m✔" in text
    assert "✘" in text
    assert "\x1b[31m\x1b[1mfaulted\x1b[0m in" in text
    assert "broken \\x1b[31m" in text


@pytest.mark.slow
def test_a_table_is_drawn_and_no_colour_means_none(terminal, run):
    run("greeting")
    _, text = terminal("runs", "list", NO_COLOR="1")

    assert (
        "demo/greeting:1.0.0  \x1b[0mcompleted" in text or "demo/greeting:1.0.0  completed" in text
    )
    assert "\x1b[3" not in text


@pytest.mark.slow
def test_little_room_cuts_no_id_in_two(terminal, run):
    greeted, failed = run("greeting")["id"], run("failing", code=1)["id"]
    _, text = terminal("runs", "list", NO_COLOR="1", COLUMNS="80")
    heading, first, why, second = text.replace("\r", "").splitlines()

    assert heading.split() == ["ID", "WORKFLOW", "STATUS", "STARTED", "(UTC)", "TOOK"]
    assert first.split()[:3] == [failed, "demo/failing:1.0.0", "faulted"]
    assert why == "  ValueError"
    assert second.split()[:3] == [greeted, "demo/greeting:1.0.0", "completed"]
    assert max(map(len, (heading, first, second))) <= 80


@pytest.mark.slow
def test_json_is_readable_where_somebody_looks(terminal, run):
    run("greeting")
    _, text = terminal("runs", "list", "--json")

    assert text.startswith('{\r\n  "runs": [')


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1 s"),
        (3_456, "3.46 s"),
        (59_960, "60 s"),
        (65_000, "1 min 5 s"),
        (3_600_000, "1 h 0 min"),
        (7_384_000, "2 h 3 min"),
    ],
)
def test_lengths_of_time_are_said_as_people_do(milliseconds, text):
    assert lasting(milliseconds) == text


def test_what_has_no_end_yet_lasts_until_now():
    assert rfc3339(1_500) == "1970-01-01T00:00:01.500Z"
    assert between(rfc3339(1_000), None, 3_000) == "2 s"
    assert between(rfc3339(1_000), None) == ""
    assert between(rfc3339(3_000), rfc3339(1_000)) == "0 ms"


def test_where_there_is_little_room_today_goes_without_its_date():
    noon = 1_767_355_200_000

    assert brief_time(rfc3339(noon - 1_000), noon) == "11:59:59"
    assert brief_time(rfc3339(noon - 86_400_000), noon) == "2026-01-01"
    assert brief_time(None, noon) == ""


def test_data_cannot_move_the_cursor():
    assert paper.clean("a\x1b[2Jb\x07\x9bc\nd\te") == "a\\x1b[2Jb\\x07\\x9bc\nd\te"


def test_a_long_value_is_cut():
    assert paper.short_json("x" * 500, 10) == '"xxxxxxxx…'


def test_an_empty_column_is_left_out(capsys):
    paper.say_table(("A", "B", "C"), [("1", "-", ""), ("2", "x", "")])

    assert capsys.readouterr().out == "A  B\n1  -\n2  x\n"
