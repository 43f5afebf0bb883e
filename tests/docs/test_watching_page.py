"""The page about watching names what the code knows: verdicts, what is expected, event types."""

import re

from page_snippets import ROOT

from batuta.insight import conformance, expected, sla
from batuta.ports.listing import LONGEST_VALUE

PAGE = ROOT.joinpath("docs/watching.md").read_text("utf-8")


def first_cells(heading):
    """The first column of the first table under a heading."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {found[1] for found in re.finditer(r"^\| `([^`]+)` \|", table, re.MULTILINE)}


def test_it_explains_everything_that_may_be_expected():
    assert first_cells("What is expected next") == {
        expected.BEGIN,
        expected.FINISH,
        expected.EVENT,
        expected.TIME,
        expected.CHILD,
        expected.RETRY,
        expected.GO_ON,
        expected.RESUME,
    }


def test_it_explains_every_verdict():
    assert first_cells("Whether all is right") == {
        conformance.OK,
        conformance.VIOLATION,
        conformance.STUCK,
        conformance.LATE,
        conformance.INCONCLUSIVE,
    }
    assert f"({conformance.EXPECTED_MS // 1_000} s)" in PAGE


def test_it_explains_every_event():
    assert first_cells("SLAs") == {*sla.TYPES.values(), sla.STUCK}


def test_it_says_how_keys_are_cut():
    assert f"its first {LONGEST_VALUE} characters" in PAGE
