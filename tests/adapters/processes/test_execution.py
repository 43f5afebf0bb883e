"""That nothing outlives its call: cancelled, past its deadline, too loud, or orphaned."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from batuta.adapters.callers.processes import Limits, Processes
from batuta.ports.caller import Fault

# A process that starts another, says the numbers of both, and waits for ever.
FAMILY = "sleep 1000 & echo $$ $! > {ready}; wait"


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def ready(make_signal, tmp_path):
    return make_signal(tmp_path / "ready")


@pytest.fixture
def run(tmp_path):
    made = []

    def start(command: str, limits: Limits | None = None, clock=time.time, **more):
        processes = Processes(limits or Limits(), clock=clock)
        made.append(processes)
        argv = ["/bin/sh", "-c", command]
        environment = {"PATH": os.environ["PATH"]}
        return processes.run(argv, environment=environment, folder=tmp_path, **more)

    yield start
    for processes in made:
        processes.close()


async def test_a_cancelled_process_is_killed_with_all_it_started(run, ready, ended):
    task = asyncio.ensure_future(run(FAMILY.format(ready=ready.path)))
    family = [int(pid) for pid in (await ready.received()).split()]
    assert all(alive(pid) for pid in family)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended(*family)


async def test_a_process_past_its_deadline_is_killed_and_times_out(run, ready, ended):
    now = time.time()
    deadline_ms = int(now * 1000) + 150
    task = asyncio.ensure_future(
        run(FAMILY.format(ready=ready.path), deadline_ms=deadline_ms, clock=lambda: now)
    )
    with pytest.raises(Fault) as fault:
        await task
    assert (fault.value.kind, fault.value.status) == ("timeout", 408)
    # On a busy machine the deadline may come before the family has said its numbers.
    said = ready.said_so_far()
    await ended(*(int(pid) for pid in said.split()))


async def test_a_deadline_in_the_past_starts_nothing_that_lasts(run):
    with pytest.raises(Fault, match="deadline"):
        await run("sleep 1000", deadline_ms=1)


@pytest.mark.parametrize("where", ["", ">&2"])
async def test_a_process_that_writes_too_much_is_killed(run, where):
    limits = Limits(output_bytes=100_000)
    with pytest.raises(Fault, match="more than 100000 bytes") as fault:
        await run(f"cat /dev/zero {where}", limits)
    assert (fault.value.kind, fault.value.status) == ("runtime", 500)


async def test_output_up_to_the_limit_is_kept_whole(run):
    finished = await run("head -c 100000 /dev/zero", Limits(output_bytes=100_000))
    assert finished.stdout == "\0" * 100_000


async def test_what_a_process_leaves_behind_neither_stays_nor_is_waited_for(run, ended):
    finished = await run("sleep 1000 & echo $!")
    await ended(int(finished.stdout))


async def test_the_end_of_the_whole_house_kills_its_processes(tmp_path, ready, ended):
    """The process that runs Batuta is killed in a way it cannot notice."""
    program = textwrap.dedent(
        """
        import asyncio, pathlib, sys
        from batuta.adapters.callers.processes import Processes

        async def main():
            argv = ["/bin/sh", "-c", sys.argv[2]]
            folder = pathlib.Path(sys.argv[1])
            await Processes().run(argv, environment={"PATH": sys.argv[3]}, folder=folder)

        asyncio.run(main())
        """
    )
    house = subprocess.Popen(  # noqa: ASYNC220 -- it returns as soon as the program is started
        [
            sys.executable,
            "-c",
            program,
            str(tmp_path),
            FAMILY.format(ready=ready.path),
            os.environ["PATH"],
        ]
    )
    try:
        family = [int(pid) for pid in (await ready.received()).split()]
        assert all(alive(pid) for pid in family)
    finally:
        house.send_signal(signal.SIGKILL)
        house.wait()
    await ended(*family)


async def test_closing_kills_what_runs(tmp_path, ready):
    processes = Processes()
    argv = ["/bin/sh", "-c", FAMILY.format(ready=ready.path)]
    environment = {"PATH": os.environ["PATH"]}
    task = asyncio.ensure_future(processes.run(argv, environment=environment, folder=tmp_path))
    await ready.received()
    processes.close()
    assert (await task).code == 137


async def test_closing_kills_what_is_only_being_started(tmp_path):
    processes = Processes()
    argv = ["/bin/sh", "-c", "sleep 1000"]
    environment = {"PATH": os.environ["PATH"]}
    task = asyncio.ensure_future(processes.run(argv, environment=environment, folder=tmp_path))
    await asyncio.sleep(0)
    processes.close()
    assert (await task).code == 137


async def test_no_more_processes_run_at_once_than_allowed(tmp_path):
    processes = Processes(Limits(at_once=1))
    # mkdir fails when the folder is there, that is, when another process is between its lines.
    argv = ["/bin/sh", "-c", "mkdir inside && cat /dev/null && rmdir inside"]
    environment = {"PATH": os.environ["PATH"]}
    ran = await asyncio.gather(
        *(processes.run(argv, environment=environment, folder=tmp_path) for _ in range(4))
    )
    assert [finished.code for finished in ran] == [0, 0, 0, 0]


async def test_a_process_that_cannot_be_started_is_a_fault(run, tmp_path):
    with pytest.raises(Fault, match="cannot be started") as fault:
        await Processes().run(
            ["/bin/sh", "-c", "true"], environment={}, folder=tmp_path / "nowhere"
        )
    assert (fault.value.kind, fault.value.status) == ("runtime", 500)


async def test_a_process_does_not_see_the_watcher_as_its_child(run):
    finished = await run(f"exec {sys.executable} -S -c 'import os; os.wait()'")
    assert "ChildProcessError" in finished.stderr


async def test_no_descriptor_is_left_open(run):
    await run("true", stdin=b"x")
    before = open_descriptors()
    for _ in range(3):
        await run("echo a; echo b >&2", stdin=b"x")
    await asyncio.sleep(0)
    assert open_descriptors() == before
