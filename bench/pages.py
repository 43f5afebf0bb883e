"""Open pages, as a server sees them: streams of changes that are read as fast as they come.

A process of its own, started by `server.py`. It opens `COUNT` streams with the topics that every
page of ours follows and reads them until its stdin closes. For each of them it asks for the newest
runs anew when some have changed, at most once a second, as our page does. A line on stdin is
answered with what came since the line before:

- `bytes`, `messages`: of all streams together; `lists`: how many lists were got;
- `delays_ms`: of each end of a run of `ending` that came, on each stream, the time from when its
  function was over (its output tells) until it was read here.
"""

import json
import re
import selectors
import sys
import time

from asking import END, Line, Place

TOPICS = "runs,events,dead,participants,sla"
"""What every page follows (`TOPICS` in `ui/src/app/live.tsx`)."""
OVER = re.compile(rb'"output":\{"over":([0-9.]+)\}')
AGAIN_S = 1.0
"""How often a page asks anew at most (`SETTLE_MS` there)."""


class Page:
    """One open page: its stream, and a connection to ask on."""

    def __init__(self, place: Place) -> None:
        self.stream = place.connected()
        self.stream.sendall(place.request("GET", f"/api/v1/stream?topics={TOPICS}"))
        got = b""
        while b"retry:" not in got:
            got += self.stream.recv(4096)
        if not got.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(got.partition(END)[0].decode())
        self.rest = b""
        self.line = Line(place)
        self.is_asking = False

    def read(self) -> bytes:
        """Return the whole messages that have come; what is cut off is kept for the next time."""
        text = self.stream.recv(1 << 20)
        if not text:
            raise RuntimeError("a stream ended")
        whole, _, self.rest = (self.rest + text).rpartition(b"\n\n")
        return whole

    def ask(self, request: bytes, now: float) -> None:
        """Ask for a list, unless the last time was just now."""
        if not self.is_asking and now - self.line.begun >= AGAIN_S:
            self.is_asking = True
            self.line.send(request, now)


class Came:
    """What has come to all pages."""

    def __init__(self) -> None:
        self.bytes = self.messages = self.lists = 0
        self.delays_ms: list[float] = []

    def take(self, text: bytes, now: float) -> None:
        self.bytes += len(text)
        self.messages += text.count(b"\nevent: ")
        for over in OVER.findall(text):
            self.delays_ms.append(round((now - float(over)) * 1000, 1))


def read(place: Place, count: int) -> None:
    selector, came = selectors.DefaultSelector(), Came()
    for _ in range(count):
        page = Page(place)
        selector.register(page.stream, selectors.EVENT_READ, page)
        selector.register(page.line.socket, selectors.EVENT_READ, page)
    selector.register(sys.stdin, selectors.EVENT_READ)
    anew = place.request("GET", "/api/v1/runs?limit=50", more="Cache-Control: max-age=1\r\n")
    print(json.dumps({"open": count}), flush=True)
    while True:
        for key, _ in selector.select():
            page = key.data
            if page is None:
                if not sys.stdin.readline():
                    return
                print(json.dumps(vars(came)), flush=True)
                came = Came()
            elif key.fileobj is page.stream:
                text, now = page.read(), time.perf_counter()
                came.take(text, now)
                if b"\nevent: run.changed" in text:
                    page.ask(anew, now)
            elif page.line.answer() is not None:
                page.is_asking = False
                came.lists += 1


if __name__ == "__main__":
    read(Place(sys.argv[1], int(sys.argv[2]), sys.argv[3]), int(sys.argv[4]))
