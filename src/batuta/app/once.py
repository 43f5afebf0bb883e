"""The same request twice: known by a key of its sender's, and done once.

Owns what a key means. The key is written in the transaction of what the request does, so neither is
there without the other; whoever sends the request again, after a crash too, gets the same run. A
request under a known key that says something else is refused.

A choreographed run begins with a message on the bus, which is no part of that transaction: the key
is durable first, and a request that comes again publishes the same message again, under the same
id. What was begun and not finished by a crash is finished in this way, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from batuta.errors import BatutaError, ConflictError
from batuta.ports.records import Remembered
from batuta.runtime.shared.ids import new_run_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batuta.app.engine import Engine


class Once:
    """Requests with keys, over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._under_way: dict[tuple[str, str], asyncio.Lock] = {}

    async def start(
        self, scope: str, key: str, digest: str, begin: Callable[[str], Awaitable[object]]
    ) -> str:
        """Start a run once; returns its id, which is the same for the same key.

        Args:
            scope: whose key it is.
            key: the sender's.
            digest: of all that the request says.
            begin: starts the run of an id, durably.

        Raises:
            ConflictError: the key was sent with another request.
        """
        lock = self._under_way.setdefault((scope, key), asyncio.Lock())
        try:
            async with lock:
                known = self._known(scope, key, digest)
                if known is not None:
                    if self._engine.store.run(known.run) is None:
                        await begin(known.run)
                    return known.run
                run = new_run_id(self._engine.clock.now())
                self._engine.conductor.contested.add(run)
                row = self._note(scope, key, digest, run)
                try:
                    await begin(run)
                except BatutaError:
                    self._take_back(row)
                    # Another process may have been first: then its run is the answer.
                    known = self._known(scope, key, digest)
                    if known is None or known.run == run:
                        raise
                    return known.run
                finally:
                    self._engine.conductor.contested.discard(run)
                return run
        finally:
            if not lock.locked():
                self._under_way.pop((scope, key), None)

    async def act(
        self, scope: str, key: str, digest: str, act: Callable[[], Awaitable[object]]
    ) -> None:
        """Do once what may be done again if there is a crash between it and its key.

        Raises:
            ConflictError: the key was sent with another request.
        """
        lock = self._under_way.setdefault((scope, key), asyncio.Lock())
        try:
            async with lock:
                if self._known(scope, key, digest) is None:
                    await act()
                    self._note(scope, key, digest, "")
                    await self._engine.conductor.durable()
        finally:
            if not lock.locked():
                self._under_way.pop((scope, key), None)

    async def publish(
        self, scope: str, key: str, digest: str, publish: Callable[[], Awaitable[object]]
    ) -> None:
        """Publish once; what was published under the key is not published again.

        Raises:
            ConflictError: the key was sent with another request.
        """
        if self._known(scope, key, digest) is None:
            self._note(scope, key, digest, "")
            await publish()

    def _known(self, scope: str, key: str, digest: str) -> Remembered | None:
        known = self._engine.records.remembered(scope, key)
        if known is not None and known.digest != digest:
            raise ConflictError(
                f"the key {key!r} was sent with another request",
                hint="send every request of yours with a key of its own",
            )
        return known

    def _note(self, scope: str, key: str, digest: str, run: str) -> Remembered:
        row = Remembered(scope=scope, key=key, digest=digest, run=run, at=self._engine.clock.now())
        self._engine.conductor.committer.batch.remembered.append(row)
        return row

    def _take_back(self, row: Remembered) -> None:
        """Forget a request that was refused, if nobody wrote it down yet."""
        batch = self._engine.conductor.committer.batch
        batch.remembered = [one for one in batch.remembered if one is not row]
