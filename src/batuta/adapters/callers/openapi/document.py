"""OpenAPI documents: bytes to a document whose parts can be found, pure.

Owns reading (JSON, or YAML 1.2), telling the version, and following references inside the document.
Does not own fetching (`store`) or what an operation needs (`operation`).

Rules:

* Swagger 2.0, OpenAPI 3.0 and 3.1; another version is refused by name.
* References inside the document are followed; a reference to another document is refused when
  something that is used needs it, with the reference in the text. Bundling is the fix.
* YAML is read as workflows are (`batuta.definition.reading`): by the rules of 1.2, so that a key
  `on` or a value `no` stays text, and within its limits on size, depth and aliases.

Sources: OpenAPI 2.0, 3.0.4 and 3.1.1; RFC 6901 for the pointers in references.
"""

from __future__ import annotations

import enum
from typing import Any
from urllib.parse import unquote

import msgspec

from batuta.definition.problems import Findings
from batuta.definition.reading import read
from batuta.ports.caller import Fault

_LONGEST_CHAIN = 50
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Dialect(enum.Enum):
    """The version family, which decides the rules for parameters and schemas."""

    SWAGGER_2 = "2.0"
    OPENAPI_3_0 = "3.0"
    OPENAPI_3_1 = "3.1"


class Found(msgspec.Struct, frozen=True):
    """Where an operation stands: its path, method, path item and operation object."""

    path: str
    method: str
    item: dict[str, Any]
    operation: dict[str, Any]


class ApiDocument:
    """A document, by the URI it was read from."""

    def __init__(self, uri: str, root: dict[str, Any]) -> None:
        self.uri = uri
        self.root = root
        self.dialect = _dialect(uri, root)
        self.derived: dict[Any, Any] = {}
        """What was made of this document's parts, kept as long as the document."""
        self._operations: dict[str, Found] | None = None

    def operations(self) -> dict[str, Found]:
        """Return the operations by their `operationId`; of two with the same, the first."""
        if self._operations is None:
            self._operations = dict(reversed(list(self._walk())))
        return self._operations

    def resolved(self, value: Any) -> Any:
        """Return `value`, or what it refers to when it is a reference.

        Raises:
            Fault: `configuration` 400 for a reference that leaves the document or leads nowhere.
        """
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return value
            value = self.at(value["$ref"])
        raise self.refused("its references go in a circle")

    def at(self, reference: str) -> Any:
        """Return what a reference such as `#/components/schemas/Pet` points at.

        Raises:
            Fault: see `resolved`.
        """
        target, _, pointer = reference.partition("#")
        if target:
            raise self.refused(
                f"it refers to another document ({reference}), which is not followed; "
                "bundle it into one document"
            )
        if pointer and not pointer.startswith("/"):
            raise self.refused(f"its reference {reference} is no JSON Pointer")
        value: Any = self.root
        for part in unquote(pointer).split("/")[1:]:
            value = _child(value, part.replace("~1", "/").replace("~0", "~"))
            if value is None:
                raise self.refused(f"its reference {reference} leads nowhere")
        return value

    def refused(self, what: str) -> Fault:
        """Return the fault that this document, as it is, cannot be used."""
        return Fault("configuration", 400, "Unusable OpenAPI document", f"{self.uri}: {what}")

    def _walk(self) -> list[tuple[str, Found]]:
        found: list[tuple[str, Found]] = []
        paths = self.root.get("paths")
        for path, written in paths.items() if isinstance(paths, dict) else ():
            # A remote path item concerns only those who use it; its operations are unknown here.
            if isinstance(written, dict) and not _is_remote(written.get("$ref")):
                item = self.resolved(written)
                found += [
                    (str(item[method]["operationId"]), Found(path, method, item, item[method]))
                    for method in METHODS
                    if isinstance(item, dict)
                    and isinstance(item.get(method), dict)
                    and "operationId" in item[method]
                ]
        return found


def read_document(uri: str, content: bytes) -> ApiDocument:
    """Return the document in `content`.

    Raises:
        Fault: `communication` 500 when it is no JSON or YAML object, `configuration` 400 when it is
            no OpenAPI document of a known version.
    """
    try:
        root = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        if content.lstrip()[:1] in (b"{", b"["):
            raise _unreadable(uri, f"is not valid JSON: {error}") from error
        root = _yaml(uri, content)
    if not isinstance(root, dict):
        raise _unreadable(uri, "holds no object")
    return ApiDocument(uri, root)


def _dialect(uri: str, root: dict[str, Any]) -> Dialect:
    version = str(root.get("openapi") or root.get("swagger") or "none")
    for dialect in Dialect:
        if version == dialect.value or version.startswith(f"{dialect.value}."):
            return dialect
    raise Fault(
        "configuration",
        400,
        "Unusable OpenAPI document",
        f"{uri} has the OpenAPI version {version[:40]}; 2.0, 3.0 and 3.1 can be used",
    )


def _child(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return None


def _is_remote(reference: Any) -> bool:
    return isinstance(reference, str) and not reference.startswith("#")


def _yaml(uri: str, content: bytes) -> Any:
    findings = Findings(uri)
    root, _ = read(content, findings)
    if root is None or findings.refused:
        problem = findings.problems()[0]
        raise _unreadable(
            uri,
            f"is neither JSON nor YAML 1.2: line {problem.line}, column {problem.column}: "
            f"{problem.message}" + (f"; {problem.hint}" if problem.hint else ""),
        )
    return root.plain


def _unreadable(uri: str, what: str) -> Fault:
    return Fault("communication", 500, "Unreadable OpenAPI document", f"{uri} {what}")
