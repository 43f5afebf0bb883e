"""The DSL's own conformance kit, through the public API.

The kit's texts are the standard's and are not copied here: they are read from `../shared/ctk`
beside the repository, or from where `BATUTA_CTK` points. They are the `.feature` files of the DSL's
repository (`ctk/features`, release 1.0.3).

The kit contradicts the standard in one place: its `try.feature` filters errors by
`https://serverlessworkflow.io/dsl/errors/types/communication`, while the standard's type is
`https://serverlessworkflow.io/spec/1.0.0/errors/communication`. Both families of names are taken
for the same error here, so the scenario passes (`CONTRADICTIONS` names it, and a test holds it
there).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

import batuta

from .gherkin import Scenario, scenarios
from .petstore import answer

KIT = Path(os.environ.get("BATUTA_CTK") or Path(__file__).parents[3] / "shared" / "ctk")
CONTRADICTIONS = {"Try Handle Caught Error": "names the errors' types by another family of URIs"}
SCENARIOS = 21

FOUND = [
    one for path in sorted(KIT.glob("*.feature")) for one in scenarios(path.read_text("utf-8"))
]
needs_kit = pytest.mark.skipif(
    not FOUND, reason=f"the conformance kit is not at {KIT}; set BATUTA_CTK to its folder"
)


class Play:
    """One scenario under way."""

    def __init__(self, engine: batuta.Engine) -> None:
        self.engine = engine
        self.identity = ""
        self.input: Any = None
        self.view: batuta.RunView | None = None

    async def play(self, scenario: Scenario) -> None:
        """Do each step, by the first pattern that fits it."""
        for step in scenario.steps:
            for pattern, act in STEPS:
                if found := re.fullmatch(pattern, step.text):
                    await act(self, *found.groups(), *filter(None, [step.block]))
                    break
            else:
                pytest.fail(f"no meaning is known for the step {step.text!r}")

    async def define(self, text: str) -> None:
        self.identity = await self.engine.deploy(text + "\n")

    async def give(self, text: str) -> None:
        self.input = yaml.safe_load(text)

    async def execute(self) -> None:
        run = await self.engine.start(self.identity, self.input)
        self.view = await run.result(wait=20)

    async def complete(self, text: str | None = None) -> None:
        assert self.view.status == "completed", self.view.error
        if text is not None:
            assert self.view.output == yaml.safe_load(text)

    async def fault(self, text: str | None = None) -> None:
        assert self.view.status == "faulted"
        if text is not None:
            wanted = yaml.safe_load(text)
            assert {name: self.view.error[name] for name in wanted} == wanted

    async def have_properties(self, names: str) -> None:
        for name in re.findall(r"'([^']+)'", names):
            assert member(self.view.output, name) is not None, name

    async def have_value(self, name: str, text: str) -> None:
        assert member(self.view.output, name) == yaml.safe_load(text)

    async def have_items(self, name: str, count: str) -> None:
        assert len(member(self.view.output, name)) == int(count)

    async def run_first(self, name: str) -> None:
        assert self.names()[0] == name

    async def run_last(self, name: str) -> None:
        assert self.names()[-1] == name

    async def run_after(self, name: str, before: str) -> None:
        names = self.names()
        assert names.index(name) == names.index(before) + 1

    def names(self) -> list[str]:
        """Return the names of the tasks in the order in which they started."""
        return [task.name for task in self.engine.tasks(self.view.id)]


STEPS = (
    (r"a workflow with definition:", Play.define),
    (r"given the workflow input is:", Play.give),
    (r"the workflow is executed", Play.execute),
    (r"the workflow should complete", Play.complete),
    (r"the workflow should complete with output:", Play.complete),
    (r"the workflow should fault", Play.fault),
    (r"the workflow should fault with error:", Play.fault),
    (r"the workflow output should have properties (.+)", Play.have_properties),
    (r"the workflow output should have a '([^']+)' property with value:", Play.have_value),
    (
        r"the workflow output should have a '([^']+)' property containing (\d+) items",
        Play.have_items,
    ),
    (r"(\S+) should run first", Play.run_first),
    (r"(\S+) should run last", Play.run_last),
    (r"(\S+) should run after (\S+)", Play.run_after),
)


def member(value: Any, path: str) -> Any:
    """Return what lies at a dotted path."""
    for name in path.split("."):
        value = value[name]
    return value


@needs_kit
def test_the_kit_is_whole():
    assert len(FOUND) == SCENARIOS


@needs_kit
def test_the_contradictions_are_still_in_the_kit():
    assert CONTRADICTIONS.keys() <= {one.name for one in FOUND}


@needs_kit
@pytest.mark.parametrize(
    "scenario", FOUND, ids=lambda one: re.sub(r"\W+", "-", f"{one.feature} {one.name}")
)
async def test_a_scenario_of_the_kit_passes(scenario, tmp_path):
    network = httpx2.MockTransport(answer)
    async with batuta.open(f"sqlite:///{tmp_path / 'ctk.db'}", transport=network) as engine:
        await Play(engine).play(scenario)
