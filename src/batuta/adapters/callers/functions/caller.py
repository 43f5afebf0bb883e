"""Calling Python functions for workflows.

Owns the path from a `Call` to a plain result: find, reveal secrets, bind, run, convert, redact. The
registry has worked out everything that is the same for every call.

How a function runs depends on what it is (`registry.Style`). One that cannot suspend is run to its
end where it stands, and its result is returned as it is, without an awaitable around it: a loop
would only add its own cost to a call that never waits. One that may block runs in a thread, so that
no other run waits for it. A thread cannot be stopped: a cancelled call is *abandoned*, and its
function finds out at its next `heartbeat()`.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import msgspec

from batuta.adapters.callers.functions.context import Context, Pulse, running
from batuta.adapters.callers.functions.conversion import NotJsonError, plain_result
from batuta.adapters.callers.functions.registry import Style
from batuta.errors import NotFoundError
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batuta.adapters.callers.functions.registry import FunctionRegistry, RegisteredFunction
    from batuta.ports.caller import Call, SecretSource

    SecretsOf: TypeAlias = SecretSource | Callable[[Call], SecretSource]

_LOG = logging.getLogger("batuta.functions")
_DETAIL = 2000
DEFAULT_THREADS = 32

# Read on every call: a module's name costs a third of an enum's attribute or of a bound method.
_DRIVEN, _AWAITED, _THREAD = Style.DRIVEN, Style.AWAITED, Style.THREAD
_enter, _leave = running.set, running.reset


class FunctionCaller:
    """Performs tasks that call Python functions.

    Args:
        registry: the functions.
        secrets: the secrets of all calls, or a function that finds those of one call's run.
        threads: how many blocking functions run at once; more wait their turn.
        heartbeat: told of every heartbeat of a function.
        clock: seconds since the epoch.

    Repetition: a function may be called again with the same idempotency key after a crash.
    """

    gives_plain = True
    """Results are plain JSON and share nothing (`conversion.plain_result`)."""

    def __init__(
        self,
        registry: FunctionRegistry,
        secrets: SecretsOf,
        *,
        threads: int = DEFAULT_THREADS,
        heartbeat: Callable[[Call], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        # Two attributes and no wrapping function: they are read on every call.
        self._one: Any = None if callable(secrets) else secrets
        self._find: Any = secrets
        self._threads = threads
        self._clock = clock
        self._pulse = Pulse(heartbeat, clock)
        self._pool: ThreadPoolExecutor | None = None
        self._known = registry.resolved

    def __call__(self, call: Call) -> Any | Awaitable[Any]:
        """Call the function that `call.target` names.

        Returns:
            The plain result itself when the function cannot suspend, else an awaitable of it.

        Raises:
            Fault: `configuration` 400 for a function that is not there, `validation` 400 for
                arguments that do not fit, `timeout` 408 and `runtime` 500 for what it raised.
                Raised here or by the awaitable.
        """
        function = self._known.get(call.target) or self._resolve(call)
        secrets: SecretSource = self._one or self._find(call)
        context = Context(call, secrets, self._pulse)
        signature = function.signature
        given = secrets.reveal(call.arguments)
        try:
            arguments = signature.bind(given)
        except (msgspec.MsgspecError, ValueError):
            raise signature.explain(given, call.arguments, secrets.redact) from None
        if signature.context_name is not None:
            arguments = {**arguments, signature.context_name: context}
        style = function.style
        if style is _THREAD:
            return self._in_thread(function, arguments, context)
        if style is _AWAITED:
            return self._awaited(function, arguments, context)
        token = _enter(context)
        try:
            result = function.target(**arguments)
            if style is _DRIVEN:
                result.send(None)  # ends in StopIteration: `never_suspends` saw to that
        except StopIteration as done:
            # What a coroutine returns ends its `send` in this way. A plain function that raises
            # StopIteration by mistake has no frame of a coroutine to turn it into an error.
            if style is not _DRIVEN:
                _raise(done, function, context)
            result = done.value
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- a function may raise anything; all of it becomes a fault
            _raise(error, function, context)
        finally:
            _leave(token)
        return _plain(result, function, secrets.redact)

    def close(self) -> None:
        """Take no more blocking calls. Threads that still run are not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _resolve(self, call: Call) -> RegisteredFunction:
        try:
            return self._registry.get(call.target)
        except NotFoundError as error:
            detail = f"{error.message}; {error.hint}"
            raise Fault("configuration", 400, "Unknown function", detail) from None

    async def _awaited(
        self, function: RegisteredFunction, arguments: dict[str, Any], context: Context
    ) -> Any:
        token = _enter(context)
        try:
            result = await function.target(**arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- as above
            _raise(error, function, context)
        finally:
            _leave(token)
        return _plain(result, function, context.secrets.redact)

    async def _in_thread(
        self, function: RegisteredFunction, arguments: dict[str, Any], context: Context
    ) -> Any:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "batuta-function")
        # What the caller's context holds (a trace, a request id) reaches the function's thread.
        around = contextvars.copy_context()
        work = asyncio.get_running_loop().run_in_executor(
            self._pool,
            lambda: around.run(self._in_turn, function, arguments, context),
        )
        try:
            return await work
        except asyncio.CancelledError:
            context.abandon()
            raise

    def _in_turn(
        self, function: RegisteredFunction, arguments: dict[str, Any], context: Context
    ) -> Any:
        deadline = context.deadline_ms
        if deadline is not None and self._clock() * 1000 >= deadline:
            detail = f"the deadline passed before a thread was free for `{function.name}`"
            raise Fault("timeout", 408, "Function timed out", detail)
        token = _enter(context)
        try:
            result = function.target(**arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- as above
            _raise(error, function, context)
        finally:
            _leave(token)
        return _plain(result, function, context.secrets.redact)


def _plain(result: Any, function: RegisteredFunction, redact: Callable[[Any], Any]) -> Any:
    try:
        return redact(plain_result(result))
    except NotJsonError as error:
        detail = f"`{function.name}` returned what is not JSON: {error}"
        if inspect.iscoroutine(result):
            result.close()
            detail = f"`{function.name}` returned a coroutine; declare it with `async def`"
        raise Fault("runtime", 500, "Result is not JSON", redact(detail)) from None


def _raise(error: BaseException, function: RegisteredFunction, context: Context) -> NoReturn:
    """Raise what the workflow may catch; the traceback goes to the log and nowhere else."""
    redact = context.secrets.redact
    if isinstance(error, Fault):
        detail = redact(error.detail)
        if detail == error.detail:
            raise error
        raise Fault(error.kind, error.status, error.title, detail) from error
    if isinstance(error, TimeoutError):
        detail = redact(str(error)) or f"`{function.name}` gave up waiting"
        raise Fault("timeout", 408, "Function timed out", detail[:_DETAIL]) from error
    _LOG.error(
        "function `%s` failed (run %s, task %s)\n%s",
        function.name,
        context.run_id,
        context.reference,
        redact("".join(traceback.format_exception(error))),
    )
    detail = redact(str(error))[:_DETAIL]
    raise Fault("runtime", 500, type(error).__name__, detail) from error
