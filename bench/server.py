"""The server under load: starts and publications over HTTP.

    python bench/server.py --work http-start [--runs 20000]

- `http-start`: `POST /api/v1/runs` of a workflow with one pure task; an answer of 201 says that the
  run is durable. As many connections as `CONNECTIONS` send one request after the other, as fast as
  answers come: that is `tasks_per_s`. Then requests are sent at half of that rate, whatever the
  answers do, and p50/p99 are from when a request was due to its answer.
- `http-publish`: the same for `POST /api/v1/events`, one structured CloudEvent each.

The server is a process of its own, as `batuta up` has it. The client is another one on the same
processors (`asking.py`); what each of the two spends per request is in `settings`.
"""

import argparse
import os
import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from measuring import Asked, Measured, machine, report

import batuta
from asking import CONNECTIONS, Place, Requests, as_fast_as_it_goes, at_a_rate
from serving import cpu_s, served

RUNS = {"http-start": 20_000, "http-publish": 20_000}
PACED_S = 5
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
        as_fast_as_it_goes(server.place, sent, requests // 10)
        theirs, ours = server.cpu_s, cpu_s(own)
        seconds = as_fast_as_it_goes(server.place, sent, requests)
        theirs, ours = server.cpu_s - theirs, cpu_s(own) - ours
        half = requests / seconds / 2
        times = at_a_rate(server.place, sent, int(half * PACED_S), half)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", choices=tuple(RUNS), required=True)
    parser.add_argument("--runs", type=int, metavar="N", help=f"default: {RUNS}")
    asked = parser.parse_args()
    runs = asked.runs or RUNS[asked.work]
    found = asked_of_the_api(asked.work, runs)
    what = Asked(work=asked.work, runs=runs, store="sqlite", tuned="")
    report("batuta http", batuta.__version__, what, found)


if __name__ == "__main__":
    main()
