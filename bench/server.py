"""The server under load: starts and publications over HTTP, and pages that are open meanwhile.

    python bench/server.py --work http-start [--runs 20000]

- `http-start`: `POST /api/v1/runs` of a workflow with one pure task; an answer of 201 says that the
  run is durable. As many connections as `CONNECTIONS` send one request after the other, as fast as
  answers come: that is `tasks_per_s`. Then requests are sent at half of that rate, whatever the
  answers do, and p50/p99 are from when a request was due to its answer.
- `http-publish`: the same for `POST /api/v1/events`, one structured CloudEvent each.
- `pages`: what open pages cost. Two servers drive `--runs` runs of ten tasks (`w1`) by turns; the
  streams of `PAGES` pages are open at one of them. `tasks_per_s` is that one's, `settings` have the
  other's and their `share`; all medians of `TURNS` turns.
- `page-delay`: how long a change takes to a page, with `PAGES` open: from when the function of a
  run was over, which ends the run, to the message on each stream. p50/p99 are of an engine that has
  nothing else to do; `busy_p50_ms`, `busy_p99_ms` of one that drives `OTHERS_PER_S` other runs of
  ten tasks a second, each of which is told as well.

The server is a process of its own, as `batuta up` has it. The client is another one on the same
processors (`asking.py`, `pages.py`); what each of the two spends is in `settings`. With pages open
each has a processor to itself, so that what reading costs the readers is not counted as theirs who
write; what it costs to write, with all that the kernel does for it, is.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from measuring import Asked, Measured, machine, percentile, report

import batuta
from asking import CONNECTIONS, Place, Requests, as_fast_as_it_goes, at_a_rate
from serving import Child, Server, cpu_s, served

RUNS = {"http-start": 20_000, "http-publish": 20_000, "pages": 2_000, "page-delay": 100}
PACED_S = 5
PAGES = 200
TURNS, WAVES = 5, 3
"""Of `pages`: how often each server is measured, and how many times `--runs` runs each time."""
CHANGES_PER_S = 7
"""Runs that end a second in `page-delay`: not in step with when the server looks."""
OTHERS_PER_S, WAVES_PER_S = 100, 10
"""The load of `page-delay`: so many runs a second, in so many waves."""
LATEST_S = 2.0
"""How long after the last answer of `page-delay` something may still come."""
KINDS = {
    "http-start": (
        "/api/v1/runs",
        "application/json",
        '{"workflow":"bench/quick","input":{"order":"NUMBER"}}',
    ),
    "http-publish": (
        "/api/v1/events",
        "application/cloudevents+json",
        '{"specversion":"1.0","source":"/bench","type":"bench.done","id":"NUMBER",'
        '"data":{"order":"NUMBER"}}',
    ),
    "page-delay": (
        "/api/v1/runs",
        "application/json",
        '{"workflow":"bench/ending","input":{"order":"NUMBER"}}',
    ),
}


def requests_of(work: str, place: Place) -> Requests:
    """The requests of a work, each another one than all before; made once and filled in."""
    path, media, body = KINDS[work]
    filled = b"%012d"
    parts = place.request("POST", path, body.replace("NUMBER", "0" * 12).encode(), media)
    parts = parts.split(b"0" * 12)
    numbers = count()

    def following() -> bytes:
        return (filled % next(numbers)).join(parts)

    return following


def asked_of_the_api(work: str, requests: int) -> Measured:
    with served() as server:
        sent, own = requests_of(work, server.place), os.getpid()
        as_fast_as_it_goes(server.place, sent, max(1, requests // 10))
        theirs, ours = server.cpu_s, cpu_s(own)
        seconds = as_fast_as_it_goes(server.place, sent, requests)
        theirs, ours = server.cpu_s - theirs, cpu_s(own) - ours
        half = requests / seconds / 2
        times = at_a_rate(server.place, sent, min(requests, int(half * PACED_S)), half)
    return Measured(
        tasks=requests,
        seconds=seconds,
        times_s=times,
        settings={
            "connections": CONNECTIONS,
            "paced_per_s": round(half),
            "server_cpu_us": round(theirs / requests * 1e6),
            "client_cpu_us": round(ours / requests * 1e6),
            **machine(),
        },
    )


def processors() -> tuple[int | None, int | None]:
    """One for the servers and one for the clients, where there are two."""
    ours = sorted(os.sched_getaffinity(0))
    return (ours[0], ours[1]) if len(ours) > 1 else (None, None)


@contextmanager
def looked_at(server: Server, processor: int | None) -> Generator[Child]:
    """Let all pages look at a server until the block ends."""
    place, script = server.place, str(Path(__file__).with_name("pages.py"))
    pages = Child(script, place.host, str(place.port), place.token, str(PAGES), processor=processor)
    try:
        pages.hear()
        yield pages
    finally:
        pages.stop()


def open_pages(runs: int) -> Measured:
    theirs, ours = processors()
    with (
        served(processor=theirs) as alone,
        served(processor=theirs) as server,
        looked_at(server, ours) as pages,
    ):
        for one in (alone, server):
            one.ask(str(max(1, runs // 10)))
        pages.ask("")
        rates: dict[Server, list[float]] = {alone: [], server: []}
        cpu: dict[Server, list[float]] = {alone: [], server: []}
        reading = busy_s = 0.0
        for turn in range(TURNS):
            for one in (alone, server) if turn % 2 else (server, alone):
                before = pages.cpu_s
                found = one.ask(f"{runs} {WAVES}")
                rates[one].append(found["tasks"] / found["seconds"])
                cpu[one].append(found["cpu_us"])
                if one is server:
                    reading += pages.cpu_s - before
                    busy_s += found["seconds"]
        came = pages.ask("")
    per_s, without = statistics.median(rates[server]), statistics.median(rates[alone])
    tasks = runs * WAVES * 10
    return Measured(
        tasks=tasks,
        seconds=tasks / per_s,
        times_s=[],  # how long a run takes among so many at once says nothing here
        settings={
            "pages": PAGES,
            "without_per_s": round(without, 1),
            "share": round(per_s / without, 3),
            "cpu_us": statistics.median(cpu[server]),
            "without_cpu_us": statistics.median(cpu[alone]),
            "messages_per_page_s": round(came["messages"] / PAGES / busy_s, 1),
            "lists_per_page_s": round(came["lists"] / PAGES / busy_s, 2),
            "mb_per_s": round(came["bytes"] / busy_s / 1e6, 2),
            "reading_share_of_a_processor": round(reading / busy_s, 3),
            **machine(),
        },
    )


def delay_to_pages(runs: int) -> Measured:
    theirs, ours = processors()
    found: list[list[float]] = []
    with served(processor=theirs) as server, looked_at(server, ours) as pages:
        sent = requests_of("page-delay", server.place)
        at_a_rate(server.place, sent, 3, CHANGES_PER_S, 8)
        time.sleep(LATEST_S)
        pages.ask("")
        began = time.perf_counter()
        for busy in (False, True):
            if busy:
                waves = round(runs / CHANGES_PER_S * WAVES_PER_S)
                server.tell(f"{OTHERS_PER_S // WAVES_PER_S} {waves} {1000 // WAVES_PER_S}")
            at_a_rate(server.place, sent, runs, CHANGES_PER_S, 8)
            time.sleep(LATEST_S)
            found.append([ms / 1000 for ms in pages.ask("")["delays_ms"]])
        seconds = time.perf_counter() - began
        server.hear()
    quiet, busy = found
    settings = {
        "pages": PAGES,
        "changes": runs,
        "others_per_s": OTHERS_PER_S,
        "waited_s": LATEST_S,
        "missed": 2 * runs * PAGES - len(quiet) - len(busy),
    }
    if busy:
        settings |= {
            "busy_p50_ms": round(percentile(busy, 0.5) * 1000, 1),
            "busy_p99_ms": round(percentile(busy, 0.99) * 1000, 1),
        }
    return Measured(
        tasks=len(quiet) + len(busy),
        seconds=seconds,
        times_s=quiet,
        settings={**settings, **machine()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=tuple(RUNS), required=True)
    parser.add_argument("--runs", type=int, metavar="N", help=f"default: {RUNS}")
    asked = parser.parse_args()
    runs = asked.runs or RUNS[asked.work]
    if asked.work == "pages":
        found = open_pages(runs)
    elif asked.work == "page-delay":
        found = delay_to_pages(runs)
    else:
        found = asked_of_the_api(asked.work, runs)
    what = Asked(work=asked.work, runs=runs, store="sqlite", tuned="")
    report("batuta server", batuta.__version__, what, found)


if __name__ == "__main__":
    main()
