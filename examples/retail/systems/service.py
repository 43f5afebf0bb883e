"""What the four systems have in common: HTTP, one SQLite file, and keys that make repeating safe.

A system is a table of routes over its own database. This module owns the transport and three
promises; what a route means is the system's own business.

1. *A key is applied once.* Every POST carries an `Idempotency-Key`. The first request with a key
   has its effect and its answer is stored **in the same transaction**, so no crash can separate the
   two; every further one gets the stored answer. A key sent again with different contents is 422,
   as the IETF's draft on that header says.
2. *A refusal is an answer.* A declined card stays declined under its key. Only a `Refused` that is
   not `final` (the service is down just now) is not stored: the same key may be tried again.
3. *Everything asked is on record.* `/requests` lists every POST with the order it was about, when
   it came and how it ended, repeats and outages included: the evidence that the audit reads.

Requests run on a thread each and take turns at the database: SQLite has one writer anyway.
"""

import argparse
import contextlib
import hashlib
import json
import re
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST_BODY = 1 << 20
DRAIN_S = 5.0

SCHEMA = """
create table if not exists answers (
  key text primary key, fingerprint text not null, status integer not null, body text not null
) without rowid;
create table if not exists requests (
  id integer primary key, at_ns integer not null, order_id text, operation text not null,
  key text not null, status integer not null, repeated integer not null
);
create index if not exists requests_by_key on requests (key);
"""


class Refused(Exception):  # noqa: N818 -- it carries an answer (RFC 9457), it is no failure of ours
    """A route says no: becomes a problem document with this status.

    Args:
        status: the HTTP status.
        title: a short name, the same for every refusal of this kind.
        detail: what was refused this time.
        final: whether the same key always gets this answer; False for "not just now".
    """

    def __init__(self, status: int, title: str, detail: str = "", *, final: bool = True) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.final = final


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a route sees it; `earlier` counts the earlier tries under the same key."""

    path: dict[str, str]
    body: dict[str, Any]
    key: str
    base: str
    earlier: int = 0

    def identifier(self, kind: str) -> str:
        """A new id, made of the key: the same order gets the same ids however it is run."""
        return f"{kind}-{hashlib.sha256(self.key.encode()).hexdigest()[:8]}"

    def text(self, name: str) -> str:
        """A required, non-empty string of the body."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Refused(400, "Bad request", f"{name!r} must be a string, not {value!r}")
        return value

    def count(self, name: str) -> int:
        """A required positive integer of the body."""
        value = self.body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Refused(400, "Bad request", f"{name!r} must be 1 or more, not {value!r}")
        return value


Answer = tuple[int, Any]
Route = Callable[[sqlite3.Connection, Request], Answer]


@dataclass(frozen=True, slots=True)
class System:
    """A system: its name, its tables, what it starts with, and its routes.

    Routes are keyed by method and path (`POST /reservations/{id}/release`). `pace` may make a
    request wait before it takes its turn at the database.
    """

    name: str
    schema: str
    routes: dict[str, Route]
    seed: Callable[[sqlite3.Connection], None] = lambda _db: None
    pace: Callable[[Request], float] = lambda _request: 0.0


@dataclass(slots=True)
class Desk:
    """A system at work on its database; all access to the connection goes through `turn`."""

    system: System
    database: str
    turn: threading.Lock = field(default_factory=threading.Lock)
    db: sqlite3.Connection = field(init=False)
    _routes: list[tuple[str, re.Pattern[str], str, Route]] = field(init=False)

    def __post_init__(self) -> None:
        self.db = sqlite3.connect(self.database, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.executescript("pragma journal_mode=wal; pragma synchronous=full;")
        self.db.executescript(SCHEMA + self.system.schema)
        with transaction(self.db):
            self.system.seed(self.db)
        self._routes = [_route(name, what) for name, what in self.system.routes.items()]

    def answer(self, method: str, path: str, key: str, body: dict[str, Any], base: str) -> Answer:
        """Answer one request; refusals come back as problem documents."""
        if method == "GET" and path == "/health":
            return 200, {"status": "ok", "system": self.system.name}
        if method == "GET" and path == "/requests":
            return self._read(lambda db, _: (200, rows(db, "select * from requests order by id")))
        found = self._find(method, path)
        if found is None:
            return problem(Refused(404, "Not found", f"{method} {path}"))
        operation, params, route = found
        if method == "GET":
            return self._read(route, Request(params, {}, "", base))
        if not key:
            return problem(Refused(400, "Idempotency-Key is missing", "send one with every POST"))
        return self._write(operation, route, Request(params, body, key, base))

    def _find(self, method: str, path: str) -> tuple[str, dict[str, str], Route] | None:
        for verb, pattern, operation, route in self._routes:
            match = pattern.fullmatch(path)
            if verb == method and match:
                return operation, match.groupdict(), route
        return None

    def _read(self, route: Route, request: Request | None = None) -> Answer:
        with self.turn:
            try:
                return route(self.db, request or Request({}, {}, "", ""))
            except Refused as refused:
                return problem(refused)

    def _write(self, operation: str, route: Route, request: Request) -> Answer:
        time.sleep(self.system.pace(request))
        with self.turn, transaction(self.db):
            stored = self.db.execute(
                "select * from answers where key = ?", (request.key,)
            ).fetchone()
            if stored is None:
                answer, final = self._apply(route, request)
            elif stored["fingerprint"] == _fingerprint(request):
                answer, final = (stored["status"], json.loads(stored["body"])), False
            else:
                answer = problem(Refused(422, "Idempotency-Key was used for another request"))
                final = False
            self._record(operation, request, answer, final=final, repeated=stored is not None)
            return answer

    def _apply(self, route: Route, request: Request) -> tuple[Answer, bool]:
        """Have the effect, or none of it: a refusal rolls back to before the route."""
        earlier = self.db.execute(
            "select count(*) from requests where key = ?", (request.key,)
        ).fetchone()[0]
        tried = Request(request.path, request.body, request.key, request.base, earlier)
        self.db.execute("savepoint effect")
        try:
            return route(self.db, tried), True
        except Refused as refused:
            self.db.execute("rollback to effect")
            return problem(refused, order=request.body.get("order")), refused.final
        finally:
            self.db.execute("release effect")

    def _record(
        self, operation: str, request: Request, answer: Answer, *, final: bool, repeated: bool
    ) -> None:
        status, body = answer
        if final:
            self.db.execute(
                "insert into answers values (?, ?, ?, ?)",
                (request.key, _fingerprint(request), status, json.dumps(body)),
            )
        self.db.execute(
            "insert into requests (at_ns, order_id, operation, key, status, repeated)"
            " values (?, ?, ?, ?, ?, ?)",
            (time.time_ns(), body.get("order"), operation, request.key, status, repeated),
        )


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block, durably, or none of it."""
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")


def rows(db: sqlite3.Connection, query: str, *values: object) -> list[dict[str, Any]]:
    """The result of a query as plain JSON."""
    return [dict(row) for row in db.execute(query, values)]


def one(db: sqlite3.Connection, query: str, *values: object) -> dict[str, Any]:
    """The single row of a query; `Refused` 404 when there is none."""
    found = rows(db, query, *values)
    if not found:
        raise Refused(404, "Not found", f"nothing here is called {values[-1]!r}")
    return found[0]


def problem(refused: Refused, **more: object) -> Answer:
    """A refusal as a problem document (RFC 9457)."""
    body = {"title": refused.title, "status": refused.status, "detail": refused.detail}
    return refused.status, body | {name: value for name, value in more.items() if value is not None}


def _route(name: str, route: Route) -> tuple[str, re.Pattern[str], str, Route]:
    method, path = name.split(" ", 1)
    return method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), route.__name__, route


def _fingerprint(request: Request) -> str:
    contents = json.dumps([request.path, request.body], sort_keys=True)
    return hashlib.sha256(contents.encode()).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # idle keep-alive connections must not hold up the end
    request_queue_size = 256  # a burst of orders connects at once

    def __init__(self, port: int, desk: Desk) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.desk = desk
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.busy = 0
        self.idle = threading.Condition()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a caller that went away go in peace; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a request, so that a graceful end can wait until its answer is sent."""
        with self.idle:
            self.busy += 1
        try:
            yield
        finally:
            with self.idle:
                self.busy -= 1
                self.idle.notify_all()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        with self.server.at_work():
            try:
                status, body = self.server.desk.answer(
                    self.command,
                    self.path.partition("?")[0],
                    self.headers.get("Idempotency-Key", ""),
                    self._body(),
                    self.server.address,
                )
            except Refused as refused:
                status, body = problem(refused)
            self._send(status, json.dumps(body).encode())

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            raise Refused(413, "Too large", f"{length} bytes")
        text = self.rfile.read(length)
        if len(text) < length:  # half a request uses up no key: its caller will send it again
            raise ConnectionAbortedError("the caller went away in the middle of its request")
        try:
            body = json.loads(text) if text else {}
        except ValueError as error:
            raise Refused(400, "Bad request", f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise Refused(400, "Bad request", "the body must be a JSON object")
        return body

    def _send(self, status: int, body: bytes) -> None:
        fine = status < 400
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if fine else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
        """Say nothing: what was asked is in `/requests`."""


def main(system: System) -> None:
    """Serve until SIGTERM or SIGINT; print the address as one JSON line once it can be called."""
    parser = argparse.ArgumentParser(description=f"The {system.name} system of the retail example.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--database", required=True, help="the SQLite file that is its own")
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = _Server(asked.port, Desk(system, asked.database))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(json.dumps({"system": system.name, "address": server.address}), flush=True)
    stop.wait()
    server.shutdown()
    with server.idle:
        server.idle.wait_for(lambda: server.busy == 0, timeout=DRAIN_S)
    with server.desk.turn:
        server.desk.db.close()
