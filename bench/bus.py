"""What a message costs on either bus: published, consumed and acknowledged.

    python bench/bus.py                      # the embedded bus, in one process
    python bench/bus.py --bus nats           # a server of its own, syncing before it acknowledges

- `flow`: `--publishers` publish `--messages` in calls of `--batch`; every consumer takes and
  acknowledges all of them. `us_cpu` is this process's processor time a message, of everything
  together; a broker's own is not in it.
- `alone`: one message at a time. `delivered` is the time from the call of `publish` to that of
  `take`, `durable` to the return of `publish`.
- `between`: `delivered` in another process, each message published when the one before was taken.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from batuta.ports.bus import Message
from batuta.wiring.buses import open_bus

BODY = b"x" * 500
ALONE = 1_000
SETTINGS = """
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
ports_file_dir: "{folder}"
jetstream {{ store_dir: "{folder}/data", sync_interval: always }}
"""


@contextmanager
def nats_url(folder):
    """Run a server; give the URL of a bus on it."""
    settings = Path(folder, "nats.conf")
    settings.write_text(SETTINGS.format(folder=folder))
    program = Path(sysconfig.get_path("scripts"), "nats-server")
    server = subprocess.Popen([program, "--config", settings], stderr=subprocess.DEVNULL)
    ports = Path(folder, f"nats-server_{server.pid}.ports")
    try:
        while not (ports.exists() and ports.read_text().strip()):
            time.sleep(0.01)
        told = json.loads(ports.read_text())
        yield f"{told['nats'][0]}?monitor={told['monitoring'][0]}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def sqlite_url(folder):
    """Give the URL of a bus in a file."""
    yield f"sqlite:///{folder}/bus.db"


def quantiles(times):
    """Give the median and the 99th percentile, in microseconds."""
    times = sorted(times)
    return {
        "p50_us": round(times[len(times) // 2] * 1e6),
        "p99_us": round(times[len(times) * 99 // 100] * 1e6),
    }


async def flow(url, options):
    """Publish, consume and acknowledge as fast as it goes."""
    bus = open_bus(url)
    await bus.start()
    left = options.messages * options.consumers
    done = asyncio.Event()

    def taker(parts):
        def take(rows):
            nonlocal left
            left -= len(rows)
            parts[0].acknowledge([row.number for row in rows])
            if not left:
                done.set()

        return take

    for number in range(options.consumers):
        parts = []
        parts.append(await bus.consume(f"c{number}", None, taker(parts)))

    async def publish(number):
        for start in range(0, options.messages // options.publishers, options.batch):
            await bus.publish(
                [
                    Message(f"{number:03}-{n:08}", f"com.acme.event{n % 7}.v1", BODY)
                    for n in range(start, start + options.batch)
                ]
            )

    began, used = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for number in range(options.publishers):
            group.create_task(publish(number))
    published = time.perf_counter() - began
    await done.wait()
    while any([await bus.lag(f"c{number}") for number in range(options.consumers)]):
        await asyncio.sleep(0.001)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    await bus.close()
    return {
        "messages": options.messages,
        "consumers": options.consumers,
        "publishers": options.publishers,
        "batch": options.batch,
        "published_per_s": round(options.messages / published),
        "acknowledged_per_s": round(options.messages / seconds),
        "us_cpu": round(used / options.messages * 1e6, 1),
    }


async def alone(url):
    """Publish one message after the other."""
    bus = open_bus(url)
    await bus.start()
    delivered, durable, parts = [], [], []
    began = 0.0

    def take(rows):
        delivered.append(time.perf_counter() - began)
        parts[0].acknowledge([row.number for row in rows])

    parts.append(await bus.consume("alone", frozenset({"alone"}), take))
    for number in range(ALONE):
        began = time.perf_counter()
        await bus.publish([Message(f"alone{number}", "alone", BODY)])
        durable.append(time.perf_counter() - began)
        while len(delivered) <= number:
            await asyncio.sleep(0)
    await bus.close()
    return {"delivered": quantiles(delivered), "durable": quantiles(durable)}


async def between(url):
    """Publish to another process, which answers with what time it was."""
    bus = open_bus(url)
    await bus.start()
    child = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--child", url, stdout=subprocess.PIPE
    )
    await child.stdout.readline()
    delivered = []
    for number in range(ALONE // 4):
        began = time.monotonic()
        await bus.publish([Message(f"between{number}", "between", BODY)])
        delivered.append(float(await child.stdout.readline()) - began)
    child.kill()
    await child.wait()
    await bus.close()
    return {"delivered": quantiles(delivered)}


async def answer(url):
    """Tell the time of each message."""
    bus = open_bus(url)
    await bus.start()
    parts = []

    def take(rows):
        print(*(time.monotonic() for _ in rows), flush=True)
        parts[0].acknowledge([row.number for row in rows])

    parts.append(await bus.consume("between", frozenset({"between"}), take))
    print("ready", flush=True)
    await asyncio.sleep(3_600)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bus", choices=["sqlite", "nats"], default="sqlite")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--publishers", type=int, default=10)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--consumers", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        asyncio.run(answer(options.child))
        return
    with tempfile.TemporaryDirectory() as folder:
        opened = nats_url(folder) if options.bus == "nats" else sqlite_url(folder)
        with opened as url:
            works = {"flow": flow(url, options), "alone": alone(url), "between": between(url)}
            for work, measured in works.items():
                print(json.dumps({"bus": options.bus, "work": work, **asyncio.run(measured)}))


if __name__ == "__main__":
    main()
