"""What may be shown of runs: their data without what schemas mark as secret.

Owns where the secrets of a run are looked for, and what is done where looking would take too long.
A *whole* look at one run finds them in what it was started with and in what its tasks were given
and gave. In lists and streams there is no time for that: of runs whose workflow marks anything
their output and the texts of their error are left out. What marks and values mean is `insight`'s.

An engine itself shows everything, to the program that it is part of; this is for whoever shows runs
to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.app.choreography import CHOREOGRAPHED
from batuta.errors import BatutaError, RequestError
from batuta.insight.secrecy import (
    HAND,
    REDACTED,
    Secrecy,
    Secrets,
    blind_error,
    restored,
    secrecy_of,
    withheld,
    without_keys,
)
from batuta.runtime.shared.programs import decode_deployed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.app.dead import Letter
    from batuta.app.engine import Engine
    from batuta.app.views import RunView, TaskView
    from batuta.ports.store import RunRow

UNKNOWN = Secrecy(None, None, {}, {}, frozenset())
"""Of a workflow whose text is not here: anything may be secret."""
_REPLACE = msgspec.structs.replace


class Veil:
    """Shows the runs of one engine without what is secret in them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, str | None], Secrecy | None] = {}

    # -- what workflows mark -----------------------------------------------------------------------

    def secrecy(self, workflow: str, digest: str | None) -> Secrecy | None:
        """Return what a version of a workflow marks, None when that is nothing."""
        key = (workflow, digest)
        if key not in self._known:
            try:
                found = self._read(workflow, digest)
            except BatutaError:
                return UNKNOWN  # it may be deployed later
            if digest is None:
                return found  # what the version means may change
            self._known[key] = found
        return self._known[key]

    def _read(self, workflow: str, digest: str | None) -> Secrecy | None:
        programs = self._engine.programs
        program = programs.of(workflow, digest)
        source = self._engine.store.document(program.workflow.digest)
        resources = {} if source is None else decode_deployed(source).resources
        return secrecy_of(program.workflow, programs.functions_of(program), resources)

    def _of_row(self, row: RunRow | None) -> Secrecy | None:
        return UNKNOWN if row is None else self.secrecy(row.workflow, row.digest)

    # -- in lists and streams ----------------------------------------------------------------------

    def brief(self, view: RunView) -> RunView:
        """Return a run as lists show it."""
        secrecy = self._of_row(self._engine.store.run(view.id))
        if secrecy is None:
            return view
        return _REPLACE(
            view,
            output=withheld(view.output),
            error=blind_error(view.error),
            keys=without_keys(secrecy, view.keys),
        )

    def brief_tasks(self, run: str, views: list[TaskView]) -> list[TaskView]:
        """Return tasks as streams show them."""
        secrecy = self._of_row(self._engine.store.run(run))
        if secrecy is None:
            return views
        return [
            _REPLACE(
                one,
                input=withheld(one.input),
                output=withheld(one.output),
                error=blind_error(one.error),
            )
            for one in views
        ]

    def brief_event(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event as lists and streams show it.

        Of one that a run has published whose workflow marks anything, the data are left out; of
        others, what the workflows that hear it mark.
        """
        run = event.get("batutarun") or str(event.get("id")).partition("/")[0]
        row = self._engine.store.run(run)
        if row is not None:
            secrecy = self._of_row(row)
            return event if secrecy is None else Secrets(secrecy, is_blind=True).event(event)
        for identity in self._engine.workflows():
            secrecy = self.secrecy(identity, self._engine.store.digest(identity))
            if secrecy is not None and event.get("type") in secrecy.types:
                event = Secrets(secrecy).event(event)
        return event

    # -- one run -----------------------------------------------------------------------------------

    async def of(self, run: str) -> RunVeil:
        """Look for the secrets of a run, and return what shows it without them."""
        row = self._engine.store.run(run)
        secrecy = self._of_row(row)
        if secrecy is None:
            return RunVeil(None)
        if row is None or secrecy is UNKNOWN:
            return RunVeil(Secrets(secrecy, is_blind=True))
        secrets = Secrets(secrecy)
        try:
            await self._learn(secrets, secrecy, row)
        except BatutaError:
            secrets.is_blind = True  # its history is gone, or cannot be read
        return RunVeil(secrets)

    async def _learn(self, secrets: Secrets, secrecy: Secrecy, row: RunRow) -> None:
        engine = self._engine
        if secrecy.input is not None:
            secrets.learn_input(await engine.input_of(row.id))
        for one in engine.tasks(row.id):
            secrets.learn_task(one.reference, one.input, one.output)
        if row.output is not None:
            secrets.learn(secrecy.output, msgspec.json.decode(row.output))
        if row.control == CHOREOGRAPHED:
            # What its tasks were given is not told, so what is marked there is not known.
            secrets.is_blind |= any(one.input is not None for one in secrecy.tasks.values())

    async def letters(self, letters: Iterable[Letter]) -> list[Letter]:
        """Return dead letters without what is secret."""
        veils: dict[str, RunVeil] = {}
        shown: list[Letter] = []
        for one in letters:
            if one.run is None:
                event = one.event
                if isinstance(event, dict):
                    event = self.brief_event(event)
                shown.append(_REPLACE(one, event=event))
                continue
            if one.run not in veils:
                veils[one.run] = await self._of_letter(one)
            shown.append(veils[one.run].letter(one))
        return shown

    async def _of_letter(self, letter: Letter) -> RunVeil:
        """Return what shows a message of a run; the run itself may not be known here."""
        run = letter.run or ""
        if self._engine.store.run(run) is not None:
            return await self.of(run)
        event = letter.event if isinstance(letter.event, dict) else {}
        workflow = str(event.get("batutaworkflow", ""))
        secrecy = self.secrecy(workflow, event.get("batutadigest"))
        return RunVeil(None if secrecy is None else Secrets(secrecy, is_blind=True))


class RunVeil(NamedTuple):
    """Shows one run without its secrets; None when it has none."""

    secrets: Secrets | None

    def run(self, view: RunView) -> RunView:
        """Return the run."""
        secrets = self.secrets
        if secrets is None:
            return view
        return _REPLACE(
            view,
            output=secrets.output(view.output),
            error=secrets.error(view.error),
            keys=secrets.keys(view.keys),
        )

    def tasks(self, views: list[TaskView]) -> list[TaskView]:
        """Return its tasks."""
        if self.secrets is None:
            return views
        return [self._task(self.secrets, one) for one in views]

    def _task(self, secrets: Secrets, view: TaskView) -> TaskView:
        given, gave = secrets.task(view.reference, view.input, view.output)
        return _REPLACE(view, input=given, output=gave, error=secrets.error(view.error))

    def input(self, value: Any) -> Any:
        """Return what it was started with."""
        return value if self.secrets is None else self.secrets.input(value)

    def event(self, event: Any) -> Any:
        """Return an event that it has published or heard."""
        return event if self.secrets is None else self.secrets.event(event)

    def anything(self, value: Any) -> Any:
        """Return whatever else is told of it."""
        if self.secrets is None or self.secrets.is_blind:
            return value
        return self.secrets.anything(value)

    def letter(self, letter: Letter) -> Letter:
        """Return a message of it that was put aside."""
        if self.secrets is None:
            return letter
        reason = self.secrets.anything(letter.reason)
        return _REPLACE(letter, event=self.event(letter.event), reason=reason)


def put_back(given: Any, shown: Any, whole: Any, what: str) -> Any:
    """Return what somebody sends, with what they were not shown and have left as it was.

    Raises:
        RequestError: something redacted comes back at a place where it was not shown.
    """
    made, wrong = restored(given, shown, whole)
    if wrong:
        raise RequestError(
            f"{what} has {REDACTED} at {', '.join(wrong[:5])}, where that stands for nothing",
            hint="write what is meant there; only what is left as it was shown is kept as it is",
        )
    return made


__all__ = ["HAND", "RunVeil", "Veil", "put_back"]
