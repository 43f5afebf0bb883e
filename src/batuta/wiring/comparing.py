"""Where a comparison of the control models happens: two engines, each over files of its own.

Everything is made in a temporary folder, and gone afterwards. All participants live in this
process, with a store each: what a comparison shows is the models, not the machines.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from batuta.adapters.clock import SystemClock
from batuta.app.choreography import CHOREOGRAPHED
from batuta.app.comparing import Comparison, Side, compare, measure
from batuta.runtime.shared.ids import new_run_id
from batuta.wiring.buses import open_bus
from batuta.wiring.engine import open as open_engine
from batuta.wiring.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

ORCHESTRATED = "orchestrated"


async def compared(
    source: str | Path,
    inputs: Sequence[Any],
    *,
    functions: Iterable[str | Path | Callable[..., Any]] = (),
    secrets: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    at_once: int = 10,
    wait_s: float = 60,
) -> Comparison:
    """Run a workflow both ways, once for each input, and hold the two against each other.

    Args:
        source: as `Engine.deploy` takes it.
        inputs: one a run; at least one.
        functions: as `batuta.open` takes them.
        secrets: as `batuta.open` takes them.
        settings: everything else; its store, bus and participants are not used.
        at_once: how many runs may be under way together.
        wait_s: how long each may take.

    Raises:
        DefinitionError: it is not right, or cannot be run by its participants alone.
        RequestError: a setting, function or secret is not right.
    """
    settings = replace(settings or Settings(), bus=None, participants={})
    given = list(functions)
    sides: dict[str, Side] = {}
    name, workflow = new_run_id(SystemClock().now()), ""
    # What cannot be choreographed is refused before anything is performed.
    for control in (CHOREOGRAPHED, ORCHESTRATED):
        with tempfile.TemporaryDirectory(prefix="batuta-compare-") as folder:
            url = f"sqlite:///{folder}/bus.db"
            bus = open_bus(url)
            await bus.start()
            try:
                async with open_engine(
                    f"sqlite:///{folder}/runs.db",
                    functions=given,
                    secrets=secrets,
                    settings=settings,
                    bus=url,
                ) as engine:
                    workflow = await engine.deploy(source)
                    sides[control] = await measure(
                        engine,
                        bus,
                        workflow,
                        inputs,
                        control=control,
                        name=name,
                        at_once=at_once,
                        wait_s=wait_s,
                    )
            finally:
                await bus.close()
    return compare(workflow, sides[ORCHESTRATED], sides[CHOREOGRAPHED])
