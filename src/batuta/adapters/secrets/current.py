"""One `SecretSource` for callers that serve many runs at once.

A caller is made once and used by every run, and each run has its own secrets. The runtime says
whose turn it is around each call (`of`); a context variable carries it, so concurrent tasks do not
see each other's, and a task made inside keeps it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Generator

    from batuta.ports.caller import SecretSource

_current: ContextVar[SecretSource | None] = ContextVar("batuta_secrets", default=None)


class CurrentSecrets:
    """The secrets of the run whose call is being performed; none outside of one."""

    @contextmanager
    def of(self, run: SecretSource) -> Generator[None]:
        """Serve `run`'s secrets inside the block and in the tasks that it creates."""
        token = _current.set(run)
        try:
            yield
        finally:
            _current.reset(token)

    def reveal(self, value: Any) -> Any:
        """As the current run's."""
        run = _current.get()
        return value if run is None else run.reveal(value)

    def redact(self, value: Any) -> Any:
        """As the current run's."""
        run = _current.get()
        return value if run is None else run.redact(value)

    def get(self, name: str) -> Any:
        """As the current run's.

        Raises:
            Fault: `authorization` 403, also when no run's call is being performed.
        """
        run = _current.get()
        if run is None:
            detail = f"secret `{name}` was asked for outside of a call"
            raise Fault("authorization", 403, "Secret not available", detail)
        return run.get(name)
