"""What a function knows of its call, and how blocking ones share threads."""

import asyncio
import logging
import threading

import pytest

from batuta.adapters.callers.functions import Context, Fault, current_context, function
from batuta.errors import RequestError


async def test_a_blocking_function_runs_in_a_thread_of_its_own(perform):
    def where():
        return threading.current_thread().name

    assert (await perform(where)).startswith("batuta-function")


async def test_a_thread_learns_at_its_next_heartbeat_that_it_was_abandoned(make_caller, make_call):
    loop = asyncio.get_running_loop()
    started, go_on, ended = asyncio.Event(), threading.Event(), asyncio.Event()
    seen: list[str] = []

    def work(context: Context):
        loop.call_soon_threadsafe(started.set)
        go_on.wait(10)
        try:
            context.heartbeat()
        except asyncio.CancelledError:
            seen.append("abandoned")
            raise
        finally:
            loop.call_soon_threadsafe(ended.set)

    task = asyncio.ensure_future(make_caller(work)(make_call("work")))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await ended.wait()
    assert seen == ["abandoned"]


async def test_threads_are_limited_and_the_rest_wait_their_turn(make_caller, make_call):
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(10)
        with lock:
            running -= 1

    caller = make_caller(work, threads=2)
    await asyncio.gather(*(caller(make_call("work")) for _ in range(4)))
    assert most == 2


async def test_a_call_whose_deadline_passed_in_the_queue_is_not_begun(make_caller, make_call):
    begun = []

    def work():
        begun.append(1)

    caller = make_caller(work, clock=lambda: 100.0)
    with pytest.raises(Fault) as fault:
        await caller(make_call("work", deadline_ms=99_000))
    assert fault.value.kind == "timeout"
    assert begun == []


async def test_the_context_tells_about_the_call(perform):
    @function
    async def f(x: int, here: Context):
        assert here is current_context()
        return [
            x,
            here.run_id,
            here.workflow,
            here.reference,
            here.task,
            here.idempotency_key,
            here.attempt,
            here.deadline_ms,
            here.secrets.get("token") == "s3cr3t-value",
            repr(here),
        ]

    assert await perform(f, {"x": 1}, attempt=3, deadline_ms=5) == [
        1,
        "run-1",
        "retail/order:1.0.0",
        "/do/0/step",
        "step",
        "key-1",
        3,
        5,
        True,
        "<Context run-1 /do/0/step attempt 3>",
    ]


@pytest.mark.parametrize("style", ["awaited", "thread"])
async def test_code_deep_below_finds_the_context(perform, style):
    def deep():
        return current_context().idempotency_key

    async def awaited():
        await asyncio.sleep(0)
        return deep()

    def thread():
        return deep()

    assert await perform({"awaited": awaited, "thread": thread}[style]) == "key-1"


async def test_outside_a_function_there_is_no_context(perform):
    async def f(): ...

    await perform(f)
    with pytest.raises(RequestError):
        current_context()


async def test_a_heartbeat_is_heard_and_fails_past_the_deadline(make_caller, make_call):
    heard = []

    async def f(context: Context):
        context.heartbeat()

    caller = make_caller(f, heartbeat=lambda call: heard.append(call.run_id), clock=lambda: 100.0)
    caller(make_call("f", deadline_ms=100_001))
    assert heard == ["run-1"]
    with pytest.raises(Fault) as fault:
        caller(make_call("f", deadline_ms=100_000))
    assert fault.value.kind == "timeout"


async def test_the_logger_carries_the_run_and_the_task(perform, caplog):
    async def f(context: Context):
        context.logger.warning("low stock", extra={"sku": "A"})

    with caplog.at_level(logging.WARNING, "batuta.functions"):
        await perform(f)
    (record,) = caplog.records
    assert record.getMessage() == "[run-1 /do/0/step] low stock"
    assert (record.run_id, record.task, record.sku) == ("run-1", "step", "A")
