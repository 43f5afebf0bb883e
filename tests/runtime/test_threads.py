"""Calls in threads: whoever is cancelled waits for their end."""

import asyncio
import threading

import pytest

from batuta.runtime.shared.threads import in_thread


async def test_a_call_gives_its_result():
    assert await in_thread(lambda: 7) == 7


async def test_a_call_that_fails_says_so():
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)


async def test_a_cancellation_comes_after_the_end_of_the_call():
    began, may_end, ended = threading.Event(), threading.Event(), []

    def work():
        began.set()
        may_end.wait()
        ended.append(True)

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()

    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
