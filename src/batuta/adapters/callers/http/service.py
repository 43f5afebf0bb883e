"""A service that is not ours, over HTTP: events are posted to it, and its response is the answer.

A request goes as a CloudEvent in structured mode (`application/cloudevents+json`; CloudEvents 1.0,
"HTTP Protocol Binding"). Responses are read leniently, so that a service needs no library for
events:

* a CloudEvent is the answer, in structured or in binary mode (`ce-type` and so on as headers);
* any other 2xx with JSON, or without a body, answers with that as output;
* 202, 408, 425, 429, 502, 503 and 504, a connection that breaks and no response in time mean "not
  yet": the same request is posted again, after `Retry-After` if there is one, else after pauses
  that grow. A service that takes its time says 202 until it is done;
* any other status is a fault, with the problem details (RFC 9457) of the response if it has some.

Owns this reading and the repeating. Does not own sending (`sending`), nor whether an answer fits
what was asked (`batuta.runtime.shared.answering`).
"""

from __future__ import annotations

import asyncio
import logging
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import msgspec

from batuta.adapters.callers.http.exchange import Outgoing, described, parsed_url
from batuta.adapters.callers.http.media_types import Form, essence, form_of
from batuta.adapters.callers.http.performing import USER_AGENT
from batuta.kernel.faults import STANDARD
from batuta.ports.caller import Fault
from batuta.ports.tracing import TRACEPARENT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batuta.adapters.callers.http.exchange import Answer
    from batuta.adapters.callers.http.sending import HttpClient

_log = logging.getLogger("batuta.requests")

EVENT = "application/cloudevents+json"
NOT_YET = frozenset({202, 408, 425, 429, 502, 503, 504})
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
_ANY = frozenset(range(300, 600))
_PASSING = frozenset({"communication", "timeout"})
_COMMUNICATION = f"{STANDARD}communication"
_SHOWN = 500
_OK = range(200, 300)


class HttpService:
    """Asks one service. See the port `Service`.

    Args:
        client: the shared client; its address policy and limits hold.
        url: where requests are posted.
        token: gives the bearer token to send along, None for none; asked for each time.
        now: epoch seconds.
        sleep: waits between two attempts; replaced in tests.
    """

    def __init__(
        self,
        client: HttpClient,
        url: str,
        *,
        token: Callable[[], str] | None = None,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._url = parsed_url(url)
        self._token = token
        self._now = now
        self._sleep = sleep

    async def __call__(
        self, request: dict[str, Any], completed: str, faulted: str, deadline_ms: int | None
    ) -> dict[str, Any]:
        """Post a request until it is answered. See the port."""
        outgoing = self._outgoing(request)
        pause = FIRST_PAUSE_S
        while True:
            after: float | None = None
            try:
                answer = await self._post(outgoing, deadline_ms)
            except Fault as fault:
                if fault.kind not in _PASSING or self._is_past(deadline_ms):
                    raise
                _log.warning("%s; asking again", fault)
            else:
                if answer.status not in NOT_YET:
                    return _event(answer, request, completed, faulted)
                after = self._retry_after(answer)
                if answer.status != HTTPStatus.ACCEPTED:
                    _log.warning("%s; asking again", _said(answer))
            await self._sleep(min(pause if after is None else after, LONGEST_PAUSE_S))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _outgoing(self, request: dict[str, Any]) -> Outgoing:
        headers = (
            ("Content-Type", EVENT),
            ("Accept", f"{EVENT}, application/json, application/problem+json"),
            ("User-Agent", USER_AGENT),
            ("Idempotency-Key", quote(str(request["batutaidempotency"]), safe="/~[]+@")),
        )
        if TRACEPARENT in request:
            headers += ((TRACEPARENT, str(request[TRACEPARENT])),)
        body = msgspec.json.encode(request)
        return Outgoing(method="POST", url=self._url, headers=headers, body=body)

    async def _post(self, outgoing: Outgoing, deadline_ms: int | None) -> Answer:
        if self._token is not None:
            outgoing = outgoing.with_header("Authorization", f"Bearer {self._token()}")
        async with self._client.deadline(deadline_ms, described(outgoing)):
            return await self._client.send(outgoing, also_accept=_ANY)

    def _is_past(self, deadline_ms: int | None) -> bool:
        return deadline_ms is not None and self._now() * 1_000 >= deadline_ms

    def _retry_after(self, answer: Answer) -> float | None:
        """Return the seconds that the service asks to wait (RFC 9110, section 10.2.3)."""
        text = answer.headers.get("retry-after", "")
        if text.isdecimal():
            return float(text)
        try:
            return max(parsedate_to_datetime(text).timestamp() - self._now(), 0)
        except ValueError:
            return None


def _event(answer: Answer, request: dict[str, Any], completed: str, faulted: str) -> dict[str, Any]:
    """Return what a response tells, as an event.

    Raises:
        Fault: `communication` 502 when it says that it is JSON and is not.
    """
    content_type = answer.headers.get("content-type", "")
    if essence(content_type) == EVENT:
        told = _json(answer)
        if not isinstance(told, dict):
            raise _unreadable(answer, "it is no object")
        return told
    event: dict[str, Any] = {"specversion": "1.0", "source": str(answer.request.url)}
    event["id"] = f"{request['id']}/answer"
    if "ce-type" in answer.headers:
        for name, value in answer.headers.items():
            if name.startswith("ce-"):
                event[name.removeprefix("ce-")] = unquote(value)
    elif answer.status in _OK:
        event["type"] = completed
    else:
        return {**event, "type": faulted, "data": _problem(answer, content_type)}
    if form_of(content_type) is Form.JSON:
        event["data"] = _json(answer)
    elif answer.body:
        event["datacontenttype"] = content_type or "unknown"
    return event


def _problem(answer: Answer, content_type: str) -> dict[str, Any]:
    """Return the problem details of a response that is an error."""
    said: dict[str, Any] = {"status": answer.status}
    if essence(content_type) == "application/problem+json":
        problem = _json(answer)
        if isinstance(problem, dict):
            return {**said, **problem}
    status = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "Fault"
    text = answer.body[:_SHOWN].decode("utf-8", "replace")
    detail = f"{_said(answer)}: {text}" if text else _said(answer)
    return {**said, "type": _COMMUNICATION, "title": status, "detail": detail}


def _json(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body) if answer.body else None
    except msgspec.DecodeError as error:
        raise _unreadable(answer, str(error)) from error


def _unreadable(answer: Answer, why: str) -> Fault:
    detail = f"{_said(answer)} with what is not what it says: {why}"
    return Fault("communication", 502, "Unreadable answer", detail)


def _said(answer: Answer) -> str:
    return f"{described(answer.request)} answered {answer.status}"
