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
from batuta.app.retrying import input_of
from batuta.errors import BatutaError, RequestError
from batuta.insight.secrecy import (
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
    from batuta.app.knowing import KnownView
    from batuta.app.run_events import RunEvents
    from batuta.app.views import RunView, TaskView
    from batuta.kernel.program import Program
    from batuta.ports.store import RunRow

UNKNOWN = Secrecy(None, None, {}, {}, frozenset())
"""Of a workflow whose text is not here: anything may be secret."""
_I = "the input"
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

    def begun(self, view: RunView, program: Program) -> RunView:
        """Return a run as lists show it, of which it is likely that it is one of a program."""
        workflow = program.workflow
        is_of = f"{view.workflow}:{view.version}" == program.identity
        if is_of and self.secrecy(program.identity, workflow.digest) is None:
            return view
        return self.brief(view)

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

    def brief_events(self, events: Iterable[Any]) -> list[Any]:
        """Return events as lists and streams show them.

        Of those that a run has published whose workflow marks anything, the data are left out; of
        others, what the workflows mark that hear them.
        """
        store = self._engine.store
        known = (self.secrecy(one, store.digest(one)) for one in self._engine.workflows())
        marking = [one for one in known if one is not None]
        return [self._brief_event(event, marking) for event in events]

    def _brief_event(self, event: Any, marking: list[Secrecy]) -> Any:
        if not isinstance(event, dict):
            return event
        run = event.get("batutarun") or str(event.get("id")).partition("/")[0]
        row = self._engine.store.run(str(run))
        own = None if row is None else self._of_row(row)
        if own is not None:
            return Secrets(own, is_blind=True).event(event)
        for secrecy in marking:
            if event.get("type") in secrecy.types:
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

    async def meant(
        self, run: str, given: Any, *, task: str | None = None, from_start: bool = False
    ) -> Any:
        """Return an input that somebody has edited, with what of it they were not shown.

        Args:
            run: the run whose input it was.
            given: the input as it comes back.
            task: the reference of the task that it is for; by default the one that faulted.
            from_start: it is for the run.

        Raises:
            RequestError: something redacted comes back at a place where it was not shown.
        """
        veil = await self.of(run)
        if veil.secrets is None:
            return given
        if from_start:
            whole = await input_of(self._engine, self._engine.row(run))
            return put_back(given, veil.input(self._engine.conductor.keeper.mask(whole)), whole, _I)
        reference = task or (self._engine.show(run).error or {}).get("instance")
        whole, shown = None, None
        for one in self._engine.tasks(run):
            if one.reference == reference:
                whole, shown = one.input, veil.tasks([one])[0].input
        return put_back(given, shown, whole, _I)

    async def letters(self, letters: Iterable[Letter]) -> list[Letter]:
        """Return dead letters without what is secret."""
        veils: dict[str, RunVeil] = {}
        shown: list[Letter] = []
        for one in letters:
            if one.run is None:
                (event,) = self.brief_events([one.event])
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

    def known(self, known: KnownView) -> KnownView:
        """Return what is known of it: what it waits for is told with values of its data."""
        secrets = self.secrets
        if secrets is None:
            return known
        return _REPLACE(
            known,
            expected=tuple(
                _REPLACE(
                    one,
                    events=tuple(
                        _REPLACE(event, correlate=_each(secrets, event.correlate))
                        for event in one.events
                    ),
                )
                for one in known.expected
            ),
        )

    def events(self, page: RunEvents) -> RunEvents:
        """Return a page of the events that went into it and came out of it."""
        if self.secrets is None:
            return page
        items = [_REPLACE(one, event=self.event(one.event)) for one in page.items]
        return _REPLACE(page, items=items)

    def letter(self, letter: Letter) -> Letter:
        """Return a message of it that was put aside."""
        if self.secrets is None:
            return letter
        reason = self.secrets.anything(letter.reason)
        return _REPLACE(letter, event=self.event(letter.event), reason=reason)


def _each(secrets: Secrets, values: dict[str, Any]) -> dict[str, Any]:
    return {name: secrets.anything(one) for name, one in values.items()}


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
