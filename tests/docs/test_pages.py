"""Pages that repeat what the code knows say what it says now."""

import ast
import re

import pytest
from page_snippets import ROOT

TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
GUIDE_LINES_AT_MOST = 560


@pytest.fixture
def error_pages(monkeypatch):
    """The tool that writes the page of errors."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    import error_pages

    return error_pages


def test_the_page_of_errors_is_up_to_date(error_pages):
    assert error_pages.PAGE.read_text("utf-8") == error_pages.page(), (
        "run `.venv/bin/python tools/error_pages.py`"
    )


def test_every_ruling_names_a_test_that_exists():
    page = ROOT.joinpath("docs/rulings.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "held by" not in line]
    named = [TEST.search(row) for row in rows]
    tests = {
        path: {
            node.name
            for node in ast.parse(ROOT.joinpath(path).read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for path in {found[1] for found in named if found}
    }

    assert len(rows) > 50
    assert [row for row, found in zip(rows, named, strict=True) if found is None] == []
    assert [found[0] for found in named if found[2] not in tests[found[1]]] == []


def test_the_guide_stays_a_guide():
    assert ROOT.joinpath("docs/guide.md").read_text("utf-8").count("\n") <= GUIDE_LINES_AT_MOST
