"""`call: openapi`: from an operation and its arguments to a request.

Owns the joining of the parts: document (`store`), operation (`operation`), arguments (`binding`)
and their writing (`styles`). The request is then performed exactly as `call: http` performs its
own: the same limits, errors, output forms, redirects, credentials and redaction.

A document that needs credentials of its own carries its policy in the `authentication` of its
endpoint, in the form of `Call.authentication`; the call's policy is for the operation only, as the
two may be different hosts.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.adapters.callers.http.bodies import encoded_body, json_bytes
from batuta.adapters.callers.http.caller import endpoint_uri, header_pairs
from batuta.adapters.callers.http.exchange import Outgoing, parsed_url
from batuta.adapters.callers.http.media_types import Form, form_of
from batuta.adapters.callers.http.performing import Performer
from batuta.adapters.callers.http.uri_template import expand
from batuta.adapters.callers.openapi.binding import Bound, bind
from batuta.adapters.callers.openapi.operation import Body, Operation, find_operation
from batuta.adapters.callers.openapi.store import DocumentStore
from batuta.adapters.callers.openapi.styles import (
    header_text,
    path_text,
    plain_text,
    query_parts,
)
from batuta.ports.caller import Call, Fault

if TYPE_CHECKING:
    from batuta.adapters.callers.http import HttpClient, TokenStore
    from batuta.ports.caller import Resources, SecretSource

_DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}


class OpenApiCaller:
    """Performs `call: openapi`.

    Args:
        client: the shared client.
        secrets: reveals placeholders, redacts results.
        resources: reads documents.
        tokens: the shared store of access tokens.
        documents: the store of documents; one of its own when not given.
    """

    def __init__(
        self,
        client: HttpClient,
        secrets: SecretSource,
        resources: Resources,
        *,
        tokens: TokenStore | None = None,
        documents: DocumentStore | None = None,
    ) -> None:
        self._performer = Performer(client, secrets, tokens)
        self._secrets = secrets
        self._documents = documents or DocumentStore(resources)

    async def __call__(self, call: Call) -> Any:
        """Call the operation and return its output in the form that the task asks for.

        Raises:
            Fault: `validation` 400 for arguments that do not fit, `configuration` 400 for an
                unknown operation or an unusable document, `communication` for an unreadable
                document, and whatever `call: http` faults with.
        """
        with self._performer.redacted():
            endpoint = (call.arguments.get("document") or {}).get("endpoint")
            uri = expand(
                endpoint_uri(self._secrets.reveal(endpoint)), self._secrets.reveal(call.input)
            )
            policy = endpoint.get("authentication") if isinstance(endpoint, dict) else None
            async with self._performer.client.deadline(call.deadline_ms, f"reading {uri}"):
                document = await self._documents.document(uri, policy, self._reader(policy))
            operation = find_operation(document, str(call.arguments.get("operationId")))
            written = _parameters(call.arguments.get("parameters"))
            revealed = self._secrets.reveal(written)
            outgoing = _request(
                operation, bind(operation, revealed, document, self._secrets.redact)
            )
            if revealed != written:
                # Which part holds the secret is not worth tracing: no part goes to another origin.
                names = frozenset(name.lower() for name, _ in outgoing.headers)
                outgoing = msgspec.structs.replace(
                    outgoing, private_headers=names, private_body=True
                )
            return await self._performer.perform(call, outgoing)

    def _reader(self, policy: dict[str, Any] | None) -> bytes:
        """Return a digest of who reads a document; fails when their secret is not theirs."""
        if policy is None:
            return b""
        self._performer.credentials(policy, None)
        revealed = msgspec.json.encode(self._secrets.reveal(policy), order="deterministic")
        return hashlib.sha256(revealed).digest()


def _parameters(written: Any) -> dict[str, Any]:
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise Fault(
            "validation",
            400,
            "Invalid parameters",
            "parameters must be an object of names and values",
        )
    return written


def _request(operation: Operation, bound: Bound) -> Outgoing:
    path = operation.path
    query: list[str] = []
    headers: dict[str, Any] = {}
    cookies: list[str] = []
    for parameter, value in bound.parameters:
        match parameter.place:
            case "path":
                path = path.replace(f"{{{parameter.name}}}", path_text(parameter, value))
            case "query":
                query += query_parts(parameter, value)
            case "header":
                headers[parameter.name] = header_text(parameter, value)
            case _:
                cookies += query_parts(parameter, value)
    url = parsed_url(operation.base_url + path)
    if query:
        # Some documents write a query into the path.
        parts = [part for part in (url.query.decode("ascii"), *query) if part]
        url = url.copy_with(query="&".join(parts).encode("ascii"))
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    outgoing = Outgoing(method=operation.method, url=url, headers=header_pairs(headers))
    if operation.body is None or bound.body is None:
        return outgoing
    content, content_type = _encoded(operation.body, bound.body)
    outgoing = msgspec.structs.replace(outgoing, body=content)
    return outgoing.with_header("Content-Type", content_type)


def _encoded(body: Body, value: Any) -> tuple[bytes | None, str]:
    form = form_of(body.media_type)
    if form is Form.JSON:
        # A string is a JSON string here: the schema says what the body is.
        return json_bytes(value), body.media_type
    if form in (Form.FORM, Form.MULTIPART) and isinstance(value, dict):
        value = _form(body, value)
    content, content_type = encoded_body(value, body.media_type)
    return content, content_type or body.media_type


def _form(body: Body, value: dict[str, Any]) -> dict[str, Any]:
    """Return form fields as scalars and lists of scalars; 2.0 joins lists, deeper data is JSON."""
    fields = {field.name: field for field in body.fields}
    form: dict[str, Any] = {}
    for name, item in value.items():
        field = fields.get(name)
        if isinstance(item, list) and field is not None and not field.explode:
            form[name] = _DELIMITERS.get(field.style, ",").join(plain_text(part) for part in item)
        elif isinstance(item, list):
            form[name] = [plain_text(part) for part in item]
        else:
            form[name] = plain_text(item) if isinstance(item, dict) else item
    return form
