"""Whatever the orchestrated suite runs gives the same result without a conductor, or says why not.

Its documents (`documents`) are spread over participants by a fixed rule. Those that the checks
admit are run over the kernel, as a whole and in parts: once as all goes well, and with tasks that
fail in two other ways. What listens is sent events, and what still waits at the end is cancelled.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from documents import KIT, OF_THE_KERNEL, event_types, of_tests, of_the_kit, spread
from world import World

from batuta.choreography.realisability import realisability
from batuta.definition import check
from batuta.kernel.program import compile_workflow

if TYPE_CHECKING:
    from batuta.kernel.program import Program

DATA = {"x": 1, "items": [1, 2], "yes": True}
NEVER = 10**9
FAILS_IN = (NEVER, 5, 2)
MOVES = [(7_000_001 * (number + 1), "send", number) for number in range(8)]

REFUSED = {
    "test_fork": {"test_exports_of_branches_are_merged_in_declared_order": {"fork-exports"}},
}
"""Documents that cannot be run without a conductor, and why; the conformance kit has none."""


def outcome(program: Program, names: tuple[str | None, ...], seed: int, types: list[str]) -> Any:
    world = World(program, seed, names, fails_in=FAILS_IN[seed], types=types)
    world.run(DATA, MOVES)
    if not world.finished:
        world.control("cancel", 0)
        world.settle()
        world.pass_times()
    assert world.finished
    return world.outcome()


def run_both_ways(documents: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Return the codes by which documents are refused; the others end the same both ways."""
    refused: dict[str, set[str]] = {}
    for name, document in documents.items():
        workflow = check(json.dumps(spread(document))).workflow
        assert workflow is not None
        problems = realisability(workflow, {})
        codes = {one.code for one in problems if one.severity == "error"}
        if codes:
            refused[name] = codes
            continue
        program = compile_workflow(workflow)
        types = sorted(event_types(document)) or ["unheard"]
        participants = tuple(workflow.participants)
        for seed in range(len(FAILS_IN)):
            whole = outcome(program, (None,), seed, types)
            assert outcome(program, participants, seed, types) == whole, (name, seed)
    return refused


def test_the_documents_of_the_kernels_tests_are_found():
    assert sum(len(of_tests(path)) for path in OF_THE_KERNEL) > 200


@pytest.mark.slow
@pytest.mark.parametrize("path", OF_THE_KERNEL, ids=lambda path: path.stem)
def test_a_document_of_the_kernels_tests_ends_the_same_both_ways(path):
    assert run_both_ways(of_tests(path)) == REFUSED.get(path.stem, {})


@pytest.mark.slow
@pytest.mark.skipif(
    not KIT.is_dir(), reason=f"the conformance kit is not at {KIT}; set BATUTA_CTK to its folder"
)
def test_a_document_of_the_conformance_kit_ends_the_same_both_ways():
    documents = of_the_kit()
    assert len(documents) == 21
    assert run_both_ways(documents) == {}
