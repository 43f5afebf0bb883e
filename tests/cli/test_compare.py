"""`batuta compare`: one workflow both ways, side by side."""

import pytest

OWNED = """\
document: {dsl: '1.0.3', namespace: demo, name: owned, version: '1.0.0'}
do:
  - first: { call: greet, with: { name: '${ .name }' }, metadata: { participant: desk } }
  - second: { call: greet, with: { name: '${ . }' }, metadata: { participant: office } }
"""

RANDOM = """\
import uuid
import batuta


@batuta.function
async def greet(name: str) -> str:
    return f"Hello, {name}, you are {uuid.uuid4()}!"
"""


@pytest.fixture(autouse=True)
def owned(folder):
    (folder / "owned.yaml").write_text(OWNED)
    (folder / "random.py").write_text(RANDOM)


@pytest.fixture
def compare(cli):
    """Compare with the folder's functions."""

    def compared(*words, functions="functions.py"):
        inputs = ("--input", '{"name": "Ada"}', "--input", '{"name": "Bob"}')
        return cli("compare", "owned.yaml", "--functions", functions, *inputs, *words)

    return compared


def test_both_sides_stand_side_by_side(compare, folder):
    said = compare("--runs", "4")

    assert said.code == 0, said.err
    lines = [line.split() for line in said.out.splitlines()]
    assert ["ORCHESTRATED", "CHOREOGRAPHED"] in lines
    assert ["completed", "4", "4"] in lines
    assert ["messages", "per", "run", "4.0", "3.0"] in lines
    assert ["hops", "per", "run", "4.0", "2.0"] in lines
    assert [line[:2] for line in lines if line[:1] == ["latency"]] == [
        ["latency", "p50"],
        ["latency", "p99"],
    ]
    assert said.out.splitlines()[-1].startswith("identical:")
    assert not (folder / ".batuta").exists()


def test_json_holds_both_sides_and_every_difference(compare):
    said = compare("--runs", "3", "--json")

    assert (said.code, said.json["agrees"], said.json["differences"]) == (0, True, [])
    assert said.json["orchestrated"]["statuses"] == {"completed": 3}
    assert said.json["choreographed"]["hopsPerRun"] == 2
    assert set(said.json["choreographed"]["latencyMs"]) == {"p50", "p99"}


def test_differences_are_shown_with_their_place_and_what_to_think_of_them(compare):
    said = compare("--runs", "2", functions="random.py")

    assert said.code == 1
    assert "different: 2 of 2 runs" in said.out
    assert "run 1  /output: " in said.out
    assert "hint: " in said.out


def test_runs_that_do_not_end_are_told(cli, folder):
    head = "version: '1.0.0'"
    text = (folder / "listening.yaml").read_text()
    (folder / "waits.yaml").write_text(text.replace(head, head + ", metadata: {participant: desk}"))

    said = cli(
        "compare", "waits.yaml", "--functions", "functions.py", "--runs", "1", "--wait", "0.2"
    )

    assert said.code == 1
    assert "not ended: " in said.out


def test_a_workflow_that_cannot_be_choreographed_says_why(cli):
    said = cli("compare", "failing.yaml", "--functions", "functions.py")

    assert said.code == 2
    assert "participant" in said.err
