"""Programs, and what is told of their tasks, to look at."""

from __future__ import annotations

import pytest

from batuta.definition import load
from batuta.kernel.lifecycle import Happened
from batuta.kernel.program import compile_workflow

HEAD = """\
document:
  dsl: '1.0.3'
  namespace: t
  name: w
  version: '1.0.0'
  metadata:
    participants: { orders: {}, stock: {}, cards: {}, vans: { external: true } }
    %s
"""


@pytest.fixture
def program():
    """Compile a document: its tasks, and what else its metadata says."""

    def compiled(text, metadata=""):
        return compile_workflow(load(HEAD % metadata + text, file="w"))

    return compiled


class Told:
    """Reports of tasks, one millisecond after the other, as a viewer keeps them."""

    def __init__(self, program):
        self.program = program
        self.reports = []
        self.now = 1_000

    def tell(self, what, reference, path="", *, by=None, at=None, **more):
        node = self.program.nodes.get(reference)
        self.now = self.now + 1 if at is None else at
        owner = None if node is None else node.participant
        given = {
            "name": reference.rpartition("/")[2],
            "kind": "" if node is None else node.kind,
            "participant": owner,
            "attempt": 1,
            "iteration": None,
            **more,
        }
        self.reports.append(
            Happened(
                what, reference + path, reference, path=path, at=self.now,
                by=by or owner or "orders", **given,
            )
        )  # fmt: skip
        return self

    def done(self, *references, **more):
        """Tell that tasks began and completed."""
        for reference in references:
            self.tell("started", reference, **more).tell("completed", reference, **more)
        return self


@pytest.fixture
def told():
    return Told
