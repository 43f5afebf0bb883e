"""Pages that repeat what the code knows say what it says now."""

import ast
import re

import pytest
from page_snippets import ROOT

from batuta import errors

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


def test_what_the_server_tells_of_errors_is_up_to_date(error_pages):
    assert error_pages.SERVED.read_text("utf-8") == error_pages.served(), (
        "run `.venv/bin/python tools/error_pages.py`"
    )


def test_every_code_of_the_http_api_is_explained(error_pages):
    named = {
        argument.value
        for path in ROOT.glob("src/batuta/server/**/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Refused")
        for argument in node.args[1:2]
        if isinstance(argument, ast.Constant)
    }
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = {kind.code for kind in kinds} - {errors.BatutaError.code}
    explained = set(re.findall(r"^### `(.+)`$", error_pages.page(), re.MULTILINE))

    assert {"credentials", "too-large", "role"} <= named
    assert (named | raised) - explained == set(), (
        "add it to [http] in tools/error_advice.toml, run `.venv/bin/python tools/error_pages.py`"
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
