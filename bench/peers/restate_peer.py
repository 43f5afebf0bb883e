"""Restate (npm `@restatedev/restate-server`, PyPI `restate-sdk` under hypercorn), on one node.

The server, the handlers and this driver are three processes; the driver calls the server's ingress
over HTTP and waits for each run's answer. Everything binds to 127.0.0.1 alone. The store is the
server's own log and RocksDB (`--store own`), with the durability it comes with.

At its defaults: 24 partitions, one hypercorn worker. `--tuned`: as many partitions and hypercorn
workers as there are processors; in `w4`, waiting runs are put aside after a second, not a minute.

In `w4` the event that does not come is a timer of an hour, which the server has on record as soon
as it is listed as a sleeping invocation; memory is that of the server and the handlers together.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measuring import (
    BRANCHES,
    SCRATCH,
    STEPS,
    Asked,
    Measured,
    Stopwatch,
    asked,
    give_up_after,
    machine,
    report,
    rss_bytes,
    under_own_python,
)

LIMIT_S = 540
READY_S = 60.0
NODE = SCRATCH / "restate" / "node" / "node_modules" / "@restatedev"
SLEEPING = "select count(*) as n from sys_journal where entry_type like '%Sleep%'"
SUSPENDED = "select count(*) as n from sys_invocation where status = 'suspended'"

under_own_python("restate")

import aiohttp  # noqa: E402 -- importable only under the peer's own python


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the processes are."""

    ingress: str
    admin: str
    service: str
    pids: tuple[int, ...]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _server_program() -> Path:
    """The server's own binary, so that a signal reaches it and not a wrapper."""
    return next(NODE.glob("restate-server-linux-*/bin/restate-server"))


@contextlib.contextmanager
def running(what: Asked, folder: Path) -> Iterator[Cluster]:
    """The server and the handlers, for the length of the block."""
    node, ingress, admin, service = _free_ports(4)
    settings = {
        "RESTATE_BASE_DIR": str(folder),
        "RESTATE_BIND_IP": "127.0.0.1",
        "RESTATE_BIND_PORT": str(node),
        "RESTATE_ADVERTISED_HOST": "127.0.0.1",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_INGRESS__BIND_PORT": str(ingress),
        "RESTATE_ADMIN__BIND_PORT": str(admin),
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_FILTER": "error",
        "RESTATE_NODE_NAME": "bench",
        **_tuning(what),
    }
    workers = os.cpu_count() or 1 if what.tuned else 1
    hypercorn = [sys.executable, "-m", "hypercorn", "--workers", str(workers)]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "processes.log").open("wb"))

        def start(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, **more
            )
            stack.callback(_stop, process)
            return process

        server = start([str(_server_program()), "--no-logo"], env=os.environ | settings)
        handlers = start(
            [*hypercorn, "--bind", f"127.0.0.1:{service}", "restate_service:app"],
            cwd=Path(__file__).parent,
        )
        yield Cluster(
            f"http://127.0.0.1:{ingress}",
            f"http://127.0.0.1:{admin}",
            f"http://127.0.0.1:{service}",
            (server.pid, handlers.pid),
        )


def _tuning(what: Asked) -> dict[str, str]:
    if not what.tuned:
        return {}
    tuning = {"RESTATE_DEFAULT_NUM_PARTITIONS": str(os.cpu_count() or 1)}
    if what.work == "w4":
        tuning["RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT"] = "1s"
    return tuning


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that this one started, and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _memory(pids: tuple[int, ...]) -> int:
    """Resident memory of these processes and their children."""
    family = list(pids)
    for pid in family:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            family += [int(child) for child in children.read_text().split()]
    return rss_bytes(*family)


class Driver:
    """Calls the ingress; one HTTP request is one run."""

    def __init__(self, cluster: Cluster, http: aiohttp.ClientSession) -> None:
        self.cluster = cluster
        self.http = http

    async def ready(self) -> None:
        """Wait for the server, and tell it where the handlers are."""
        watch = Stopwatch()
        deployment = {"uri": self.cluster.service}
        while watch.read() < READY_S:
            with contextlib.suppress(aiohttp.ClientError):
                url = f"{self.cluster.admin}/deployments"
                async with self.http.post(url, json=deployment) as answer:
                    if answer.status in {200, 201}:
                        break
            await asyncio.sleep(0.2)
        while watch.read() < READY_S:
            with contextlib.suppress(aiohttp.ClientError):
                await self.call("sequence", 0)
                return
            await asyncio.sleep(0.2)
        raise TimeoutError(f"Restate did not answer within {READY_S} s")

    async def call(self, handler: str, run: int, how: str = "") -> float:
        """One run; seconds from the request to its answer."""
        watch = Stopwatch()
        url = f"{self.cluster.ingress}/Bench/{handler}{how}"
        async with self.http.post(url, json=run) as answer:
            await answer.read()
            answer.raise_for_status()
        return watch.read()

    async def count(self, query: str) -> int:
        """The single number that a query of the server's tables gives."""
        headers = {"Accept": "application/json"}
        url = f"{self.cluster.admin}/query"
        async with self.http.post(url, json={"query": query}, headers=headers) as answer:
            answer.raise_for_status()
            return json.loads(await answer.read())["rows"][0]["n"]

    async def until(self, query: str, runs: int) -> None:
        while await self.count(query) < runs:
            await asyncio.sleep(0.05)


async def measure(what: Asked, cluster: Cluster) -> Measured:
    """Do the work."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=LIMIT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        driver = Driver(cluster, http)
        await driver.ready()
        return await _work(what, driver)


async def _work(what: Asked, driver: Driver) -> Measured:
    runs = what.runs
    if what.work == "w4":
        return await _waiting(runs, driver, tuned=bool(what.tuned))
    watch = Stopwatch()
    if what.work == "w1":
        times = await asyncio.gather(*(driver.call("sequence", run) for run in range(runs)))
        return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=list(times))
    if what.work == "latency":
        times = [await driver.call("sequence", run) / STEPS for run in range(runs)]
        return Measured(tasks=runs * STEPS, seconds=watch.read(), times_s=times)
    times = [await driver.call("fan", run) for run in range(runs)]
    return Measured(tasks=runs * BRANCHES, seconds=watch.read(), times_s=times)


async def _waiting(runs: int, driver: Driver, *, tuned: bool) -> Measured:
    before = _memory(driver.cluster.pids)
    watch = Stopwatch()
    times = await asyncio.gather(*(driver.call("waiting", run, "/send") for run in range(runs)))
    await driver.until(SLEEPING, runs)
    seconds = watch.read()
    if tuned:
        await driver.until(SUSPENDED, runs)
    grown = (_memory(driver.cluster.pids) - before) / runs
    return Measured(
        tasks=runs, seconds=seconds, times_s=list(times), rss_bytes_per_run=max(0.0, grown)
    )


def main() -> None:
    what = asked("Restate.", store="own")
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    processes = contextlib.ExitStack()
    processes.callback(shutil.rmtree, folder, ignore_errors=True)
    give_up_after(LIMIT_S, "restate", what, processes.close)
    with processes:
        cluster = processes.enter_context(running(what, folder))
        found = asyncio.run(measure(what, cluster))
        found.settings = {
            "sdk": version("restate-sdk"),
            "hypercorn": version("hypercorn"),
            **_tuning(what),
            **machine(),
        }
        manifest = json.loads((NODE / "restate-server" / "package.json").read_text())
        report("restate", manifest["version"], what, found)


if __name__ == "__main__":
    main()
