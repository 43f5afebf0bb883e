"""Short documents for tests: a head is added, and `§` marks where a problem is expected."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from batuta.definition import Problem, Report, check

HEAD = "document: { dsl: '1.0.3', namespace: test, name: sample, version: '0.1.0' }\n"
MARK = "§"


class Marked(NamedTuple):
    """A document without its mark, and where the mark stood."""

    text: str
    line: int
    column: int


def whole(text: str) -> str:
    """Return a document: as it is, or with a head when it has none."""
    return text if text.startswith(("document", "%", "{", "#", "raw\n")) else HEAD + text


def unmarked(text: str) -> Marked:
    before, mark, after = text.partition(MARK)
    assert mark, "the document has no mark"
    lines = before.split("\n")
    return Marked(before + after, len(lines), len(lines[-1]) + 1)


@pytest.fixture
def checked():
    """Check a document; a head is added when it has none."""

    def run(text: str, **options) -> Report:
        return check(whole(text), file="sample.yaml", **options)

    return run


@pytest.fixture
def built(checked):
    """Check a document that must be right, without a single warning; return its workflow."""

    def run(text: str, **options):
        report = checked(text, **options)
        assert report.problems == (), [problem.render() for problem in report.problems]
        return report.workflow

    return run


@pytest.fixture
def refused():
    """Check a document with a mark; return its problem, the only one, found at the mark."""

    def run(code: str, text: str, *, raw: bool = False, **options) -> Problem:
        marked = unmarked(text if raw else whole(text))
        report = check(marked.text, file="sample.yaml", **options)
        shown = "\n".join(problem.render() for problem in report.problems)
        assert [problem.code for problem in report.problems] == [code], shown
        (problem,) = report.problems
        assert (problem.line, problem.column) == (marked.line, marked.column), shown
        assert (report.workflow is None) == (problem.severity == "error")
        return problem

    return run
