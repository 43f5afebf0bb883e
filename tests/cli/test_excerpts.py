"""Problems shown with their line: marks stand under what they mean, whatever is in the line."""

import pytest

from batuta.cli.excerpts import rendered
from batuta.definition import Problem


def problem(line, column, **said):
    return Problem(
        code="x",
        severity="error",
        file="f.yaml",
        line=line,
        column=column,
        reference="",
        message="wrong",
        **said,
    )


def marked(text, column):
    """Give the excerpt's line and its mark."""
    lines = rendered(problem(1, column), {"f.yaml": [text]}).splitlines()
    return lines[3].partition("| ")[2], lines[4].partition("| ")[2]


@pytest.mark.parametrize(
    ("text", "column", "mark"),
    [
        ("a: word", 4, "   ^^^^"),
        ("a: 'two words'", 4, "   ^^^^^^^^^^^"),
        ('a: "two words", b', 4, "   ^^^^^^^^^^^"),
        ("a: [1, 22]", 8, "       ^^"),
        ("a:", 3, "  ^"),
        ("a", 9, " ^"),
        ("名: 値", 4, "    ^^"),
    ],
)
def test_the_mark_stands_under_the_word(text, column, mark):
    assert marked(text, column) == (text, mark)


def test_a_tab_is_one_cell_wide():
    assert marked("\ta: b", 5) == (" a: b", "    ^")


def test_control_characters_are_made_visible():
    assert marked("a: \x1b[31m", 1)[0] == "a: \\x1b[31m"


def test_a_long_line_is_shown_around_the_place():
    line, mark = marked("x" * 300 + " here " + "y" * 300, 302)

    assert line.startswith("…")
    assert line.endswith("…")
    assert line[len(mark) - 4 : len(mark)] == "here"


def test_a_line_that_is_not_there_is_left_out():
    text = rendered(problem(9, 1, hint="mend it"), {"f.yaml": ["a"]})

    assert text == "error[x]: wrong\n  --> f.yaml:9:1\n  hint: mend it"


def test_a_file_that_cannot_be_read_has_no_excerpt(tmp_path):
    assert "|" not in rendered(problem(1, 1), {})
