"""Performing: what every HTTP-based call has in common, once its request is made.

Owns the order of things: credentials, deadline, sending, output form, redaction of results and
faults. `caller` makes requests for `call: http`, `openapi` for `call: openapi`; both perform here.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from batuta.adapters.callers.http.answers import OUTPUT_FORMS, output_of
from batuta.adapters.callers.http.authentication import Authenticator
from batuta.adapters.callers.http.exchange import described
from batuta.adapters.callers.http.oauth2 import TokenStore
from batuta.adapters.callers.http.redaction import Redactor
from batuta.ports.caller import Fault
from batuta.ports.tracing import TRACEPARENT

if TYPE_CHECKING:
    from collections.abc import Generator

    from batuta.adapters.callers.http.exchange import Credentials, Outgoing
    from batuta.adapters.callers.http.sending import HttpClient
    from batuta.ports.caller import Call, SecretSource

USER_AGENT = f"batuta/{version('batuta')}"
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


class Performer:
    """Sends made requests for callers.

    Args:
        client: the shared client.
        secrets: where secrets are revealed and redacted.
        tokens: the shared token store; one of its own when not given.
    """

    def __init__(
        self, client: HttpClient, secrets: SecretSource, tokens: TokenStore | None = None
    ) -> None:
        self.client = client
        self.secrets = secrets
        self._authenticator = Authenticator(client, tokens or TokenStore(), secrets)

    @contextmanager
    def redacted(self) -> Generator[None]:
        """Remove secrets from the faults that are raised inside."""
        try:
            yield
        except Fault as fault:
            title, detail = Redactor(self.secrets).value([fault.title, fault.detail])
            # Without the cause: its text is the client library's and was not redacted.
            raise Fault(fault.kind, fault.status, title, detail) from None

    def credentials(self, policy: dict[str, Any] | None, values: Any) -> Credentials:
        """Return what signs requests under a policy (see `Authenticator.credentials`)."""
        return self._authenticator.credentials(policy, values)

    async def perform(
        self, call: Call, outgoing: Outgoing, credentials: Credentials | None = None
    ) -> Any:
        """Send `outgoing` for `call` and return the call's output.

        Reads `output` and `redirect` of the call's arguments. `credentials` are used when the call
        has no policy of its own.
        """
        form = call.arguments.get("output") or "content"
        if form not in OUTPUT_FORMS:
            raise Fault(
                "configuration",
                400,
                "Unknown output form",
                f"output is {form!r}; expected one of {', '.join(OUTPUT_FORMS)}",
            )
        if call.authentication is not None:
            credentials = self.credentials(call.authentication, call.input)
        async with self.client.deadline(call.deadline_ms, described(outgoing)):
            answer = await self.client.send(
                _introduced(outgoing, call),
                credentials=credentials,
                redirect=bool(call.arguments.get("redirect")),
            )
        return output_of(answer, form, self.secrets)


def _introduced(outgoing: Outgoing, call: Call) -> Outgoing:
    present = {name.lower() for name, _ in outgoing.headers}
    additions = [
        ("User-Agent", USER_AGENT),
        ("Accept", "application/json, */*;q=0.8"),
        ("Accept-Encoding", "gzip, deflate"),
    ]
    if outgoing.method not in _SAFE_METHODS:
        additions.append(("Idempotency-Key", call.idempotency_key))
    if call.traceparent is not None:
        additions.append((TRACEPARENT, call.traceparent))
    for name, value in additions:
        if name.lower() not in present:
            outgoing = outgoing.with_header(name, value)
    return outgoing
