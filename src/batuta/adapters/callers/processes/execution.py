"""Running one process and nothing that outlives it.

Owns starting, watching, limiting and ending a process with everything it starts. Does not own what
is run (`shell`, `script`, `container`) or what its end means (`outcome`).

A process gets a session of its own, so all it starts is one group that is killed as a whole: when
it ends, when the call is cancelled, at its deadline, when it writes more than it may, and when
Batuta itself dies. The last needs somebody who outlives us: a shell in the same group that waits on
a pipe whose other end only we hold. Our death closes the pipe, even by SIGKILL, and the shell kills
the group. It also keeps the group's number taken until we kill it, so that number cannot come to
mean another group in between. A process that leaves its session on purpose escapes; a container
does not (`container` ends it by name).

Standard input is a file in memory and not a pipe: nobody has to feed it, and a process that reads
nothing cannot block us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

# $1 is the standard input; the pipe to us arrives as descriptor 0. The watcher is started by a
# subshell that ends at once, so the process that takes our place by `exec` has no child that it
# does not know.
_WATCHED = """\
exec 3<&0 0<"$1"
shift
( { read -r _ <&3; kill -9 0; } >/dev/null 2>&1 & )
exec 3<&- "$@"
"""
_CHUNK = 65536
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use.

    Attributes:
        output_bytes: of standard output, and as much again of standard error.
        at_once: how many processes run at the same time; more wait their turn.
    """

    output_bytes: int = 8 * _MEBIBYTE
    at_once: int = 32


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended. `code` is 128 + the signal's number when one ended it, as in a shell."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """Two fresh folders: `work` for the process, `own` for files it is given."""

    work: Path
    own: Path

    def environment(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return a clean environment: four names, and what the workflow declares.

        Of ours only PATH is handed on, for it says where the machine keeps its programs.
        """
        own = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.work),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.work),
        }
        return {**own, **declared}


@contextlib.contextmanager
def workspace() -> Generator[Workspace]:
    """Give fresh folders that only we may open, and remove them with all they hold."""
    root = Path(tempfile.mkdtemp(prefix="batuta-"))
    try:
        place = Workspace(root / "work", root / "own")
        place.work.mkdir()
        place.own.mkdir()
        yield place
    finally:
        shutil.rmtree(root, ignore_errors=True)


class Processes:
    """Runs processes within limits.

    Args:
        limits: what each may use.
        clock: seconds since the epoch.
    """

    def __init__(
        self, limits: Limits | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._turns = asyncio.Semaphore(self._limits.at_once)
        self._groups: set[int] = set()
        self._closed = False

    async def run(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        stdin: bytes | None = None,
        deadline_ms: int | None = None,
    ) -> Finished:
        """Run `argv` to its end and return what it wrote.

        Args:
            argv: the program's path and its arguments; no shell reads them.
            environment: all of it.
            folder: the current one of the process.
            stdin: what it reads; nothing when None.
            deadline_ms: epoch milliseconds, waiting for a turn included.

        Raises:
            Fault: `timeout` 408 at the deadline, `runtime` 500 when it cannot be started or writes
                more than it may.
        """
        seconds = None if deadline_ms is None else max(0.0, deadline_ms / 1000 - self._clock())
        limit = asyncio.timeout(seconds)
        try:
            async with limit, self._turns:
                return await self._run(argv, dict(environment), folder, stdin)
        except TimeoutError:
            if not limit.expired():
                raise
            detail = f"`{Path(argv[0]).name}` did not end before the deadline, and was killed"
            raise Fault("timeout", 408, "Process timed out", detail) from None

    def close(self) -> None:
        """Kill every process that still runs, and any that is just being started."""
        self._closed = True
        for group in tuple(self._groups):
            _kill(group)

    async def _run(
        self, argv: Sequence[str], environment: dict[str, str], folder: Path, stdin: bytes | None
    ) -> Finished:
        with contextlib.ExitStack() as files:
            source = files.enter_context(_in_memory(stdin))
            alive, out, err = (files.enter_context(_Pipe()) for _ in range(3))
            try:
                process = await asyncio.create_subprocess_exec(
                    "/bin/sh",
                    "-c",
                    _WATCHED,
                    "sh",
                    "/dev/null" if source is None else f"/dev/fd/{source}",
                    *argv,
                    stdin=alive.reading,
                    stdout=out.writing,
                    stderr=err.writing,
                    pass_fds=() if source is None else (source,),
                    env=environment,
                    cwd=folder,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                detail = f"`{Path(argv[0]).name}`: {error}"
                raise Fault("runtime", 500, "Process cannot be started", detail) from error
            for pipe in (out, err):
                pipe.close_writing()
            alive.close_reading()
            return await self._watch(process, out, err)

    async def _watch(self, process: asyncio.subprocess.Process, out: _Pipe, err: _Pipe) -> Finished:
        group = process.pid
        self._groups.add(group)
        if self._closed:
            _kill(group)
        limit = self._limits.output_bytes
        tasks = (
            asyncio.ensure_future(_ended(process)),
            asyncio.ensure_future(_read(out, limit, "standard output")),
            asyncio.ensure_future(_read(err, limit, "standard error")),
        )
        try:
            code, stdout, stderr = await asyncio.gather(*tasks)
        finally:
            self._groups.discard(group)
            _kill(group)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await process.wait()
        return Finished(code if code >= 0 else 128 - code, _text(stdout), _text(stderr))


class _Pipe:
    """Two descriptors, each closed once."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_reading()
        self.close_writing()

    def close_reading(self) -> None:
        if self.reading >= 0:
            os.close(self.reading)
        self.reading = -1

    def close_writing(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
        self.writing = -1


@contextlib.contextmanager
def _in_memory(content: bytes | None) -> Generator[int | None]:
    """Give a descriptor of a nameless file with this content."""
    if content is None:
        yield None
        return
    # Where there are no files in memory an unlinked one on disk does the same.
    made = os.fdopen(os.memfd_create("stdin"), "r+b") if hasattr(os, "memfd_create") else None
    with made or tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        yield file.fileno()


async def _ended(process: asyncio.subprocess.Process) -> int:
    code = await process.wait()
    # What it left behind holds the pipes open, and would have us wait for it.
    _kill(process.pid)
    return code


async def _read(pipe: _Pipe, limit: int, what: str) -> bytes:
    reader = asyncio.StreamReader(limit=_CHUNK)
    file = os.fdopen(pipe.reading, "rb", 0)
    pipe.reading = -1  # the transport closes it
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), file
    )
    try:
        chunks: list[bytes] = []
        size = 0
        while chunk := await reader.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                detail = f"it wrote more than {limit} bytes to {what}, and was killed"
                raise Fault("runtime", 500, "Process output is too large", detail)
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        transport.close()


def _kill(group: int) -> None:
    # PermissionError is what macOS says of a group of which only the dead are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
