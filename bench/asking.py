"""A client of the server that costs little: bare HTTP/1.1 on sockets of its own, over one selector.

The client shares the processors with the server that it measures, so what it spends is taken from
the server: no event loop, no tasks, no parser; a request is bytes that were made before.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

CONNECTIONS = 64
END = b"\r\n\r\n"
GOOD = frozenset({b"200", b"201", b"202"})

Requests = Callable[[], bytes]
"""Gives the next request, whole."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, and the token that it knows us by."""

    host: str
    port: int
    token: str

    @classmethod
    def of(cls, address: str, token: str) -> "Place":
        host, port = address.removeprefix("http://").split(":")
        return cls(host, int(port), token)

    def connected(self) -> socket.socket:
        made = socket.create_connection((self.host, self.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def request(
        self, method: str, path: str, body: bytes = b"", media: str = "", more: str = ""
    ) -> bytes:
        about = f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n" if body else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
            f"{about}{more}\r\n"
        )
        return head.encode() + body


class Line:
    """One connection: at most one request is under way on it."""

    __slots__ = ("begun", "got", "socket")

    def __init__(self, place: Place) -> None:
        self.socket = place.connected()
        self.got = b""
        self.begun = 0.0

    def send(self, request: bytes, begun: float) -> None:
        self.begun = begun
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """Read what has come; the answer's body once it is whole."""
        self.got += self.socket.recv(65_536)
        head, found, body = self.got.partition(END)
        if not found:
            return None
        if head[9:12] not in GOOD:
            raise RuntimeError(self.got.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self.got = b""
        return body


class Lines:
    """Connections to one server, and what waits for their answers."""

    def __init__(self, place: Place, count: int) -> None:
        self.selector = selectors.EpollSelector()
        self.idle = deque(Line(place) for _ in range(count))
        for line in self.idle:
            self.selector.register(line.socket, selectors.EVENT_READ, line)

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def answered(self, wait_s: float | None) -> list[Line]:
        """Wait for answers, at most so long; the lines that are free again."""
        free = []
        for key, _ in self.selector.select(wait_s):
            if key.data.answer() is not None:
                free.append(key.data)
        return free


def as_fast_as_it_goes(
    place: Place, requests: Requests, count: int, connections: int = CONNECTIONS
) -> float:
    """Send requests, one after the other on each connection; the seconds that it took."""
    lines = Lines(place, min(connections, count))
    sent = answered = 0
    began = time.perf_counter()
    for line in lines.idle:
        line.send(requests(), began)
        sent += 1
    while answered < count:
        for line in lines.answered(None):
            answered += 1
            if sent < count:
                line.send(requests(), began)
                sent += 1
    seconds = time.perf_counter() - began
    lines.close()
    return seconds


def at_a_rate(
    place: Place,
    requests: Requests,
    count: int,
    per_s: float,
    connections: int = CONNECTIONS * 4,
) -> list[float]:
    """Send requests when they are due, whatever the answers do; seconds from then to the answer.

    When no connection is free a request is sent late, and its time is from when it was due.
    """
    lines = Lines(place, connections)
    idle, times, sent = lines.idle, [], 0
    began = time.perf_counter()
    while len(times) < count:
        now = time.perf_counter()
        while sent < count and idle and (due := began + sent / per_s) <= now:
            idle.popleft().send(requests(), due)
            sent += 1
        wait = max(0.0, began + sent / per_s - now) if sent < count and idle else None
        for line in lines.answered(wait):
            times.append(time.perf_counter() - line.begun)
            idle.append(line)
    lines.close()
    return times
