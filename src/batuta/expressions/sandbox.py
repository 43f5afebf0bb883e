"""The sandbox: whole jq, in child processes that can be killed.

Implements `batuta.ports.evaluator.Evaluator`. A few children are kept and reused, each serves one
evaluation at a time. A child has an empty environment, `/` for its directory, no file but its
pipes, a memory limit and a processor time limit (see `sandbox_child`). What runs past its deadline
is killed, and so is what is cancelled; the next evaluation starts a new child. Nothing here trusts
the program: the bans of `names` keep evaluations repeatable, the process keeps them harmless.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from batuta.errors import UnavailableError
from batuta.expressions import sandbox_child as protocol
from batuta.expressions.failures import ExpressionFailure

_CHILD = str(Path(protocol.__file__).resolve())
_START_SECONDS = 20.0
MEBIBYTE = 1024 * 1024


class Sandbox:
    """A pool of child processes that run jq.

    Args:
        size: how many evaluations may run at once; further ones wait.
        deadline_ms: how long one evaluation may take, by the clock on the wall.
        memory: bytes of address space for a child.
        output: bytes of JSON that one evaluation may yield.
    """

    def __init__(
        self,
        *,
        size: int = 2,
        deadline_ms: int = 1_000,
        memory: int = 256 * MEBIBYTE,
        output: int = 4 * MEBIBYTE,
    ) -> None:
        self._size = size
        self._turns = asyncio.Semaphore(size)
        self._deadline_ms = deadline_ms
        self._memory = memory
        self._output = output
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._closed = False

    async def evaluate(self, source: str, data: Any, variables: dict[str, Any]) -> Any:
        """Evaluate a bare program with `.` = data and `$name` for each variable.

        No output gives None, one output itself, several outputs a list of them.

        Raises:
            ExpressionFailure: the program failed, took too long, or needed too much.
            UnavailableError: no child could be started, or the sandbox is closed.
        """
        names = sorted(variables)
        try:
            document = json.dumps([data, variables], allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            raise ExpressionFailure(f"the input is no JSON: {error}") from None
        request = (source.encode("utf-8", "replace"), json.dumps(names).encode(), document)
        async with self._turns:
            child = await self._child()
            try:
                async with asyncio.timeout(self._deadline_ms / 1000):
                    status, body = await child.ask(request)
            except TimeoutError:
                await self._discard(child)
                raise ExpressionFailure(f"took longer than {self._deadline_ms / 1000} s") from None
            except (EOFError, OSError):
                raise ExpressionFailure(await self._autopsy(child)) from None
            except BaseException:
                # Cancelled: the child still works on what nobody wants any more.
                self._kill(child)
                raise
            self._idle.append(child)
        return self._result(status, body)

    async def close(self) -> None:
        """End the child processes."""
        self._closed = True
        self._idle.clear()
        for child in tuple(self._all):
            await self._discard(child)

    def _result(self, status: int, body: bytes) -> Any:
        if status == protocol.FAILED:
            raise ExpressionFailure(body.decode("utf-8", "replace"))
        if status == protocol.TOO_BIG:
            raise ExpressionFailure(f"gave more than {_mebibytes(self._output)} of output")
        if status == protocol.OUT_OF_MEMORY:
            raise ExpressionFailure(f"needed more than {_mebibytes(self._memory)}")
        try:
            outputs = json.loads(body, parse_float=_finite)
        except (ValueError, RecursionError):
            raise ExpressionFailure("the result is nested too deeply to be read") from None
        if not outputs:
            return None
        return outputs[0] if len(outputs) == 1 else outputs

    async def _child(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            await self._discard(child)
        if self._closed:
            raise UnavailableError("the sandbox is closed")
        seconds = math.ceil(self._deadline_ms / 1000) + 1
        child = await _Child.start(self._memory, self._output, seconds)
        self._all.add(child)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await child.wait_until_ready()
        except (TimeoutError, EOFError, OSError) as error:
            await self._discard(child)
            raise UnavailableError(
                f"the sandbox does not start: {type(error).__name__}",
                hint="is the Python package jq installed, and is there memory left?",
            ) from error
        except BaseException:
            self._kill(child)
            raise
        return child

    async def _autopsy(self, child: _Child) -> str:
        """Return why a child ended in the middle of an evaluation."""
        code = await self._discard(child)
        if code == -signal.SIGXCPU:
            return f"took longer than {self._deadline_ms / 1000} s"
        if code == -signal.SIGABRT:  # what jq does when an allocation fails
            return f"needed more than {_mebibytes(self._memory)}"
        if code == -signal.SIGSEGV:
            return "is nested too deeply for jq"
        return f"ended the evaluator (exit code {code})"

    def _kill(self, child: _Child) -> None:
        self._all.discard(child)
        child.kill()

    async def _discard(self, child: _Child) -> int:
        self._kill(child)
        return await child.end()


class _Child:
    """One process and its two pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise UnavailableError("a process was started without pipes")
        self._writer = process.stdin
        self._reader = process.stdout
        self.ready = False

    @classmethod
    async def start(cls, memory: int, output: int, seconds: int) -> _Child:
        found = find_spec("jq")
        if found is None or found.origin is None:
            raise UnavailableError("the Python package jq is not installed")
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", "-E", "-B", _CHILD),
                *(found.origin, str(memory), str(output), str(seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/",
                close_fds=True,
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"the sandbox does not start: {error}") from error
        return cls(process)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._reader.at_eof()

    async def wait_until_ready(self) -> None:
        await self._answer()
        self.ready = True

    async def ask(self, request: tuple[bytes, bytes, bytes]) -> tuple[int, bytes]:
        self._writer.write(protocol.REQUEST.pack(*map(len, request)) + b"".join(request))
        await self._writer.drain()
        return await self._answer()

    async def _answer(self) -> tuple[int, bytes]:
        head = await self._reader.readexactly(protocol.ANSWER.size)
        status, size = protocol.ANSWER.unpack(head)
        return status, await self._reader.readexactly(size)

    def kill(self) -> None:
        if self._process.returncode is None:
            try:
                # Not `Process.kill`: it asks first whether the child has ended, and so takes the
                # exit code away that `end` is to tell.
                os.kill(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:  # it ended by itself, a moment ago
                return
        self._writer.close()

    async def end(self) -> int:
        return await self._process.wait()


def _finite(text: str) -> float:
    """Read a number as jq prints it: what is beyond doubles is the greatest of them."""
    return max(-sys.float_info.max, min(sys.float_info.max, float(text)))


def _mebibytes(size: int) -> str:
    return f"{size // MEBIBYTE} MiB"
