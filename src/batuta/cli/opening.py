"""Opening an engine for a command: settings found, options applied, log lines made readable.

Owns what every command does before its own work. This is the one place of the command line that
loads the engine, which brings drivers and compilers; so it is loaded here and at no module's top.
"""

from __future__ import annotations

import logging
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.cli import paper, words
from batuta.cli.options import named_secrets
from batuta.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable

    from batuta.app.engine import Engine
    from batuta.wiring.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a command line chose. `typed_store` is the option, for telling what to type next."""

    settings: Settings
    functions: tuple[str, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    typed_store: str | None = None
    accept_loss: bool = False

    @property
    def store(self) -> str:
        """The store's URL."""
        return self.settings.store

    @property
    def all_functions(self) -> tuple[str, ...]:
        """Files and modules of functions, those of the settings first."""
        return (*self.settings.functions, *self.functions)


def chosen(
    store: str | None,
    functions: Iterable[str] = (),
    secrets: Iterable[str] = (),
    *,
    beside: Path | None = None,
    bus: str | None = None,
    accept_loss: bool = False,
) -> Chosen:
    """Return what options and settings say together; an option wins.

    Args:
        store: `--store`.
        functions: `--functions`, besides those of the settings.
        secrets: `--secret`, each NAME=VALUE.
        beside: the folder of the workflow; its settings come before the current folder's.
        bus: `--bus`.
        accept_loss: `--accept-loss`.

    Raises:
        RequestError: a setting or an option is not right.
    """
    from msgspec.structs import replace  # noqa: PLC0415 -- loaded when it is needed

    from batuta.wiring.project import settings_of  # noqa: PLC0415 -- as above
    from batuta.wiring.settings import sqlite_path  # noqa: PLC0415 -- as above

    here = Path()
    settings = settings_of(*([beside] if beside is not None else []), here)
    if store is not None:
        sqlite_path(store)
        settings = replace(settings, store=store)
    if bus is not None:
        settings = replace(settings, bus=bus)
    return Chosen(
        settings=settings,
        functions=_new(functions, settings.functions),
        secrets=named_secrets(secrets),
        typed_store=store,
        accept_loss=accept_loss,
    )


def is_own(host: str) -> bool:
    """Say whether only this machine reaches what listens there."""
    from ipaddress import ip_address  # noqa: PLC0415 -- loaded when it is needed

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def shared(choice: Chosen) -> Chosen:
    """Return what a server that others reach is opened with: it calls no private addresses.

    Else whoever may start a run could have this machine call what only it can reach. The settings
    may say otherwise.
    """
    from msgspec.structs import replace  # noqa: PLC0415 -- loaded when it is needed

    if choice.settings.network is not None:
        return choice
    return replaced(choice, settings=replace(choice.settings, network="public"))


def _new(given: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return what is given and not known, each once: one file under two names is loaded once."""
    found = {place_of(one): one for one in given}
    for one in known:
        found.pop(place_of(one), None)
    return tuple(found.values())


def place_of(spec: str) -> str:
    """Return what a file or module of functions is recorded as."""
    return str(Path(spec).resolve()) if spec.endswith(".py") else spec


@asynccontextmanager
async def engine(
    choice: Chosen, *, resume: bool = False, makes: bool = False, looks: bool = False
) -> AsyncGenerator[Engine]:
    """Open the engine that a command line chose.

    Args:
        choice: from `chosen`.
        resume: take over runs whose process is gone.
        looks: runs are only looked at.
        makes: a store that does not exist is made; else it is an error.

    Raises:
        NotFoundError: there is no store, and none is to be made.
        BatutaError: it cannot be opened; the reason says what to do.
    """
    from batuta.runtime.shared.driving.dedicated import dedicated  # noqa: PLC0415 -- as below
    from batuta.wiring import engine as wiring  # noqa: PLC0415 -- brings every driver
    from batuta.wiring.looking import existing  # noqa: PLC0415 -- as above

    if not makes:
        existing(choice.store)
    with readable_log():
        async with wiring.open(
            choice.store,
            functions=choice.functions,
            secrets=choice.secrets,
            settings=choice.settings,
            resume=resume,
            accept_loss=choice.accept_loss,
            looks=looks,
        ) as opened:
            with dedicated():
                yield opened


async def caught_up(opened: Engine) -> None:
    """See what has become of choreographed runs, as far as that can be seen now."""
    try:
        await opened.catch_up()
    except UnavailableError as error:
        paper.tell(words.as_last_seen(error.message))


_TRACEBACK = "Traceback (most recent call last):"


class _Lines(logging.Handler):
    """Log records as lines on stderr, wherever that leads when they come."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; its traceback only for `--debug`."""
        tone = "bad" if record.levelno >= logging.ERROR else "warn"
        level = record.levelname.lower()
        text = paper.clean(without_traceback(record.getMessage()))
        paper.tell(f"{paper.styled(f'{level}:', tone)} {text}")


def without_traceback(text: str) -> str:
    """Return a text with a traceback in it cut down to the place and the exception.

    The engine logs the tracebacks of users' functions; the place is what their author needs.
    """
    lines = text.splitlines()
    if _TRACEBACK not in lines:
        return text
    before = lines[: lines.index(_TRACEBACK)]
    places = [line for line in lines if line.startswith('  File "')]
    what = [line for line in lines if line.strip()]
    return "\n".join([*before, *places[-1:], f"  {what[-1]}"])


@contextmanager
def readable_log() -> Generator[None]:
    """Show the engine's warnings as lines without tracebacks, inside the block.

    With `--debug` all of the log is shown, as it is.
    """
    log = logging.getLogger("batuta")
    debug = "--debug" in sys.argv
    handler = logging.StreamHandler() if debug else _Lines(logging.WARNING)
    level, log.propagate = log.level, False
    log.addHandler(handler)
    if debug:
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = True
