"""What tests of stores are made of: rows and events with everything filled in, and comparisons."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from batuta.errors import ConflictError
from batuta.ports.store import Batch, RunRow, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

OWNER, OTHER = "owner", "other"


def expect(actual: Any, wanted: Any, promise: str) -> None:
    """Compare, and say which promise was not kept.

    Raises:
        AssertionError: they are not equal.
    """
    if actual != wanted:
        raise AssertionError(f"{promise}\n  expected: {wanted!r}\n  found:    {actual!r}")


def run_row(run_id: str, **changes: Any) -> RunRow:
    """Return a run's row with everything filled in that a test does not care about."""
    given: dict[str, Any] = {"workflow": "t/w:1.0.0", "owner": OWNER, "started_at": 1}
    return RunRow(id=run_id, **{**given, **changes})


def row(run_id: str, seq: int, body: bytes = b"{}") -> tuple[str, int, int, bytes, bytes | None]:
    """Return a journal row as a batch takes it."""
    return (run_id, seq, 1_000 + seq, body, None)


def event(event_id: str, event_type: str = "t", **members: Any) -> dict[str, Any]:
    """Return a CloudEvent."""
    return {"specversion": "1.0", "id": event_id, "source": "/s", "type": event_type, **members}


def batch_of(**parts: Any) -> Batch:
    """Return a batch with these parts."""
    batch = Batch()
    for name, value in parts.items():
        setattr(batch, name, value)
    return batch


class StoreCase:
    """What the suite's tests do to a store; which one it is, the inheriting class says."""

    def open(self) -> Store:
        """Open the store under test; each time on the same place."""
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[Store]:
        """Open the store, and close it after the block."""
        store = self.open()
        try:
            yield store
        finally:
            store.close()

    def _refused(self, act: Callable[[], object], promise: str) -> ConflictError:
        try:
            act()
        except ConflictError as error:
            return error
        raise AssertionError(f"{promise}: there was no ConflictError")

    def _started(self, store: Store, *run_ids: str, **changes: Any) -> None:
        store.commit(
            batch_of(
                runs=[run_row(run_id, **changes) for run_id in run_ids],
                journal=[row(run_id, 1) for run_id in run_ids],
            )
        )
