"""Functions from catalogues and addresses, for commands that only look at a workflow.

Who performs what of a workflow depends on what its functions do, so whoever asks for that has to
have read them. Nothing is kept: a deployed workflow has them with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.adapters.clock import SystemClock
from batuta.app.loading import Loader
from batuta.wiring.tools import tools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.definition.model import Task, Workflow
    from batuta.wiring.settings import Settings


async def functions_elsewhere(
    workflow: Workflow, text: bytes, file: str, settings: Settings, functions: Iterable[str] = ()
) -> dict[str, Task]:
    """Return the functions that a workflow calls and that have files of their own.

    Args:
        workflow: the checked workflow.
        text: its document.
        file: how problems name it.
        settings: of its folder.
        functions: Python functions that it may call, besides those of the settings.

    Raises:
        DefinitionError: one is not right, calls itself, or is in no catalogue.
        RequestError: one cannot be read, or they lead on too far.
    """
    async with tools(settings, functions, {}, None, SystemClock()) as wired:
        loader = Loader(
            workflow,
            text,
            file,
            resources=wired.reader,
            keeper=wired.keeper,
            functions=wired.functions.names(),
        )
        return await loader.load_functions()
