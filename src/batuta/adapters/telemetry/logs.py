"""Structured logs: one JSON object a line, with the run and the task that a record is about."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from batuta.ports.tracing import span_id, trace_id

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class JsonLines(logging.Formatter):
    """Formats a record as a line of JSON.

    Members: `time` (RFC 3339), `level`, `logger`, `message`, whatever the record was given as
    `extra` (a function's logger gives `run_id`, `workflow`, `reference`, `task`), `trace_id` and
    `span_id` where there is a run, and `exception`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _OWN)
        run = line.get("run_id")
        if isinstance(run, str):
            line["trace_id"] = f"{trace_id(run):032x}"
            line["span_id"] = f"{span_id(run, str(line.get('key') or '')):016x}"
        if record.exc_info is not None:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()
