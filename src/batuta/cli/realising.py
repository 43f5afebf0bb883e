"""What keeps a file from running without a conductor, and mending that in the file.

Owns what the choreography's checks need besides a document: the functions that it calls elsewhere,
which events the other workflows of its folder hear, and the file itself, which is replaced whole.
"""

from __future__ import annotations

import asyncio
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from batuta.cli import words
from batuta.cli.folder import scan
from batuta.errors import DefinitionError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.choreography.repairs import Repaired
    from batuta.cli.opening import Chosen
    from batuta.definition import Problem, Workflow
    from batuta.definition.model import Task
    from batuta.wiring.settings import Settings

CHOREOGRAPHED = "choreographed"
_BYTE_ORDER_MARK = "\ufeff"


class Realised(NamedTuple):
    """What the checks found, and what can be mended of it (or was)."""

    problems: list[Problem]
    mended: Repaired


class Folder:
    """The folder of checked files: its settings, and what its workflows hear.

    Args:
        path: the folder.
        settings: those of it.
        given: functions from the command line.
    """

    def __init__(self, path: Path, settings: Settings, given: tuple[str, ...]) -> None:
        self._path = path
        self._settings = settings
        self._given = given
        self._heard: frozenset[str] | None = None
        self._has_looked = False

    def functions(self, workflow: Workflow, text: bytes, file: str) -> Mapping[str, Task]:
        """Return the functions from elsewhere that a workflow calls."""
        from batuta.wiring.elsewhere import functions_elsewhere  # noqa: PLC0415 -- brings drivers

        return asyncio.run(functions_elsewhere(workflow, text, file, self._settings, self._given))

    def realised(self, workflow: Workflow, text: bytes, file: str) -> Realised:
        """Check a workflow; nothing is written."""
        from batuta.choreography.realisability import realisability  # noqa: PLC0415 -- as below
        from batuta.choreography.repairs import repaired  # noqa: PLC0415 -- help needs no grammar

        functions = self.functions(workflow, text, file)
        problems = realisability(workflow, functions, text=text, file=file, heard=self._hears())
        plain = text.decode().removeprefix(_BYTE_ORDER_MARK)
        return Realised(problems, repaired(workflow, functions, plain))

    def _hears(self) -> frozenset[str] | None:
        """Return the types that the folder's workflows hear; None when they may hear any."""
        if not self._has_looked:
            self._has_looked = True
            self._heard = _heard_in(self._path)
        return self._heard


def _heard_in(folder: Path) -> frozenset[str] | None:
    from batuta.choreography.hearing import heard_types  # noqa: PLC0415 -- help needs no grammar
    from batuta.definition import check  # noqa: PLC0415 -- as above

    heard: set[str] = set()
    for path in scan(folder).workflows:
        workflow = check(path.read_bytes(), file=str(path)).workflow
        types = None if workflow is None else heard_types(workflow)
        if types is None:
            return None  # it hears any, or is not right yet
        heard |= types
    return frozenset(heard)


def realisable(file: str, workflow: Workflow, choice: Chosen) -> Mapping[str, Task]:
    """See to it that a file's workflow can be run without a conductor.

    Returns:
        The functions from elsewhere that it calls.

    Raises:
        DefinitionError: it cannot; every reason is in it.
    """
    from batuta.choreography.realisability import realisability  # noqa: PLC0415 -- as above
    from batuta.choreography.repairs import repaired  # noqa: PLC0415 -- as above

    text = Path(file).read_bytes()
    folder = Folder(Path(file).parent, choice.settings, choice.functions)
    functions = folder.functions(workflow, text, file)
    found = realisability(workflow, functions, text=text, file=file)
    errors = tuple(one for one in found if one.severity == "error")
    if errors:
        plain = text.decode().removeprefix(_BYTE_ORDER_MARK)
        raise DefinitionError(
            f"{file} cannot be run without a conductor",
            errors,
            hint=words.CAN_BE_FIXED_HINT
            if repaired(workflow, functions, plain).made
            else words.FIX_HINT,
        )
    return functions


def rewrite(file: str, text: str) -> str:
    """Give a file another text, whole or not at all; return what changed, as a unified diff.

    Raises:
        RequestError: it cannot be written.
    """
    path = Path(file).resolve()
    before = path.read_bytes().decode()
    mark = _BYTE_ORDER_MARK if before.startswith(_BYTE_ORDER_MARK) else ""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes((mark + text).encode())
        beside.chmod(path.stat().st_mode)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RequestError(
            f"{file} cannot be written: {error.strerror}", hint="nothing in it was changed"
        ) from None
    return "".join(
        line if line.endswith("\n") else f"{line}\n"
        for line in difflib.unified_diff(
            before.removeprefix(mark).replace("\r\n", "\n").splitlines(keepends=True),
            text.replace("\r\n", "\n").splitlines(keepends=True),
            f"{file} (before)",
            file,
        )
    )
