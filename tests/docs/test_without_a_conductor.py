"""What the guide says about running without a conductor: its commands, typed."""

import json

import pytest
from click.testing import CliRunner
from page_snippets import snippets

from batuta.cli import main

INPUT = '{"sku": "A1", "quantity": 2, "cents": 1999}'


@pytest.fixture
def typed(guide_folder):
    """Type a command in the guide's folder, with its shared workflow; give what it said."""
    together = next(one for one in snippets("docs/guide.md", "yaml") if "together" in one.text)
    guide_folder.joinpath("together.yaml").write_text(together.text)
    return lambda *words: CliRunner().invoke(main, words)


def test_the_guides_workflow_gives_the_same_with_a_conductor_and_without(typed):
    checked = typed("check", "together.yaml", "--control", "choreographed")
    assert checked.exit_code == 0, checked.output

    words = ("run", "together.yaml", "--functions", "functions.py", "--input", INPUT, "--json")
    said = [typed(*words, "--control", one) for one in ("orchestrated", "choreographed")]
    assert [one.exit_code for one in said] == [0, 0], said[1].stderr
    orchestrated, choreographed = (json.loads(one.stdout) for one in said)

    for one in (orchestrated, choreographed):
        # Its receipts are made from the key of the call, which begins with the run's id.
        assert one["output"] == {"status": "shipped", "receipt": f"{one['id']}/do/1/charge"}
