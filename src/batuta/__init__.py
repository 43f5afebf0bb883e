"""One definition of an integration, by a conductor or by events: same file, same result.

    import asyncio, batuta

    @batuta.function
    async def reserve(sku: str, quantity: int) -> dict:
        return {"id": f"r-{sku}", "quantity": quantity}

    async def main() -> None:
        async with batuta.open("sqlite:///orders.db", functions=[reserve]) as engine:
            await engine.deploy("order.yaml")
            run = await engine.start("retail/order", {"sku": "A1", "quantity": 2})
            print(await run.result())

    asyncio.run(main())

Names are loaded when they are first used, so that importing `batuta.errors` or asking for `--help`
costs nothing of the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batuta.adapters.callers.functions import Context as Context
    from batuta.adapters.callers.functions import current_context as current_context
    from batuta.adapters.callers.functions import function as function
    from batuta.app.engine import Engine as Engine
    from batuta.app.engine import Run as Run
    from batuta.app.views import RunView as RunView
    from batuta.app.views import TaskView as TaskView
    from batuta.definition import Problem as Problem
    from batuta.definition import Report as Report
    from batuta.definition import check as check
    from batuta.errors import BatutaError as BatutaError
    from batuta.errors import ConflictError as ConflictError
    from batuta.errors import CorruptError as CorruptError
    from batuta.errors import DefinitionError as DefinitionError
    from batuta.errors import KernelBug as KernelBug
    from batuta.errors import NotFoundError as NotFoundError
    from batuta.errors import OutcomeUnknownError as OutcomeUnknownError
    from batuta.errors import RequestError as RequestError
    from batuta.errors import UnavailableError as UnavailableError
    from batuta.ports.caller import Fault as Fault
    from batuta.wiring.engine import open as open  # noqa: A004 -- `batuta.open` reads best
    from batuta.wiring.settings import Settings as Settings

_HOMES = {
    "batuta.adapters.callers.functions": ("Context", "current_context", "function"),
    "batuta.app.engine": ("Engine", "Run"),
    "batuta.app.views": ("RunView", "TaskView"),
    "batuta.definition": ("Problem", "Report", "check"),
    "batuta.errors": (
        "BatutaError",
        "ConflictError",
        "CorruptError",
        "DefinitionError",
        "KernelBug",
        "NotFoundError",
        "OutcomeUnknownError",
        "RequestError",
        "UnavailableError",
    ),
    "batuta.ports.caller": ("Fault",),
    "batuta.wiring.engine": ("open",),
    "batuta.wiring.settings": ("Settings",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "BatutaError",
    "ConflictError",
    "Context",
    "CorruptError",
    "DefinitionError",
    "Engine",
    "Fault",
    "KernelBug",
    "NotFoundError",
    "OutcomeUnknownError",
    "Problem",
    "Report",
    "RequestError",
    "Run",
    "RunView",
    "Settings",
    "TaskView",
    "UnavailableError",
    "__version__",
    "check",
    "current_context",
    "function",
    "open",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'batuta' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
