"""Open pages, as a server sees them: streams of changes that are read as fast as they come.

A process of its own, started by `server.py`. It opens `COUNT` streams with the topics that every
page of ours follows and reads them until its stdin closes. A line on stdin is answered with what
came since the line before:

- `bytes`, `messages`: of all streams together;
- `delays_ms`: of each end of a `bench/ending` run that came, on each stream, the time from when its
  function was over (its output tells) until it was read here.
"""

import json
import re
import selectors
import sys
import time

from asking import END, Place

TOPICS = "runs,events,dead,participants,sla"
"""What every page follows (`TOPICS` in `ui/src/app/live.tsx`)."""
OVER = re.compile(rb'"output":\{"over":([0-9.]+)\}')


def opened(place: Place, count: int) -> selectors.BaseSelector:
    """Open so many streams, each of which has begun."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        line = place.connected()
        line.sendall(place.request("GET", f"/api/v1/stream?topics={TOPICS}"))
        got = b""
        while b"retry:" not in got:
            got += line.recv(4096)
        if not got.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(got.partition(END)[0].decode())
        line.setblocking(False)
        selector.register(line, selectors.EVENT_READ)
    return selector


class Came:
    """What has come on all streams."""

    def __init__(self) -> None:
        self.bytes = self.messages = 0
        self.delays_ms: list[float] = []

    def take(self, text: bytes, now: float) -> None:
        self.bytes += len(text)
        self.messages += text.count(b"\nevent: ")
        for over in OVER.findall(text):
            self.delays_ms.append(round((now - float(over)) * 1000, 1))


def read(place: Place, count: int) -> None:
    selector, came = opened(place, count), Came()
    rests: dict[int, bytes] = {}
    selector.register(sys.stdin, selectors.EVENT_READ)
    print(json.dumps({"open": count}), flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                if not sys.stdin.readline():
                    return
                print(json.dumps(vars(came)), flush=True)
                came = Came()
                continue
            text = key.fileobj.recv(1 << 20)
            if not text:
                raise RuntimeError("a stream ended")
            # What is cut off by the end of what was read is whole with what comes next.
            whole, _, rests[key.fd] = (rests.get(key.fd, b"") + text).rpartition(b"\n\n")
            came.take(whole, time.perf_counter())


if __name__ == "__main__":
    read(Place(sys.argv[1], int(sys.argv[2]), sys.argv[3]), int(sys.argv[4]))
