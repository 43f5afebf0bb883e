"""OpenAPI documents: bytes to a document whose parts can be found, pure.

Owns reading (JSON, or YAML 1.2), telling the version, and following references inside the document.
Does not own fetching (`store`) or what an operation needs (`operation`).

Rules:

* Swagger 2.0, OpenAPI 3.0 and 3.1; another version is refused by name.
* References inside the document are followed; a reference to another document is refused when
  something that is used needs it, with the reference in the text. Bundling is the fix.
* YAML is read by the rules of 1.2, so that a key `on` or a value `no` stays text, and keys become
  strings, as status codes must.

Sources: OpenAPI 2.0, 3.0.4 and 3.1.1; RFC 6901 for the pointers in references.
"""

from __future__ import annotations

import enum
import re
from typing import Any
from urllib.parse import unquote

import msgspec
import yaml

from batuta.ports.caller import Fault

_LARGEST_YAML = 4 * 1024 * 1024
_DEEPEST_YAML = 100
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


class _CoreLoader(yaml.CSafeLoader):
    """YAML with the core schema of 1.2 (section 10.3), and the merge key that documents use."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 -- PyYAML reads it from the class, and `add_implicit_resolver` fills it in


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first
    )
# PyYAML reads a leading zero as octal; YAML 1.2 does not.
_CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(str(node.value)))
_CoreLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(str(node.value)))


def _yaml(uri: str, content: bytes) -> Any:
    if len(content) > _LARGEST_YAML:
        raise _unreadable(uri, f"is YAML of more than {_LARGEST_YAML} bytes; use its JSON form")
    try:
        _check_depth(content)
        return _with_text_keys(yaml.load(content, Loader=_CoreLoader), {})  # noqa: S506 -- it is a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise _unreadable(uri, f"is neither JSON nor YAML: {problem}") from error
    except RecursionError as error:
        raise _unreadable(uri, "is nested too deep") from error


def _check_depth(content: bytes) -> None:
    # Events come one by one; the composer recurses, and in C nothing would stop it.
    depth = 0
    for event in yaml.parse(content, Loader=_CoreLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST_YAML:
            raise RecursionError


def _with_text_keys(value: Any, seen: dict[int, Any]) -> Any:
    # Aliases are shared objects and stay shared, so that a small bomb stays small.
    if not isinstance(value, (dict, list)):
        return value
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, list):
        items: list[Any] = []
        seen[id(value)] = items
        items.extend(_with_text_keys(item, seen) for item in value)
        return items
    fields: dict[str, Any] = {}
    seen[id(value)] = fields
    fields.update((str(key), _with_text_keys(item, seen)) for key, item in value.items())
    return fields


def _unreadable(uri: str, what: str) -> Fault:
    return Fault("communication", 500, "Unreadable OpenAPI document", f"{uri} {what}")
