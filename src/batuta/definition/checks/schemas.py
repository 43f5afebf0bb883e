"""JSON Schemas inside a document: that they are schemas.

Owns checking inline schemas with the library that will later validate with them. Nothing is
fetched: what a schema refers to elsewhere is taken as "anything", and is read when the workflow is
deployed. A draft is named by `$schema`; without one it is 2020-12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs

from batuta.definition.forms import is_json_schema
from batuta.definition.problems import shown

if TYPE_CHECKING:
    from batuta.definition.found import Found
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings, Path

_DRAFTS = frozenset(
    {
        "http://json-schema.org/draft-04/schema",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    }
)


def check_schemas(found: Found, findings: Findings) -> None:
    """Check every inline JSON Schema; one that stands in several places once."""
    seen: set[int] = set()
    for site in found.schemas:
        document, named = (site.node.fields.get(key) for key in ("document", "format"))
        other = named is not None and not is_json_schema(str(named.plain))
        if document is not None and not other and id(document) not in seen:
            seen.add(id(document))
            _check(document, (site.path, "document"), findings)


def _check(node: Node, path: Path, findings: Findings) -> None:
    if node.kind not in {"object", "boolean"}:
        _refuse(node, path, "a JSON Schema is an object, or true or false", findings)
        return
    draft = node.fields.get("$schema")
    if draft is not None and str(draft.plain).removesuffix("#") not in _DRAFTS:
        _refuse(draft, (path, "$schema"), "this draft of JSON Schema is not known", findings)
        return
    elsewhere: list[str] = []

    def retrieve(uri: str) -> Any:
        elsewhere.append(uri)
        return True

    try:
        jsonschema_rs.validator_for(node.plain, retriever=retrieve)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        at = error.instance_path if isinstance(error, jsonschema_rs.ValidationError) else []
        # A reference into a document that was not read cannot be followed, which proves nothing.
        if at or not elsewhere:
            message = str(error).partition("\n")[0]
            _refuse(*_at(node, path, at), message, findings)


def _refuse(node: Node, path: Path, message: str, findings: Findings) -> None:
    findings.add(
        "schema-invalid",
        node.position,
        path,
        f"not a valid JSON Schema: {message}",
        value=None if node.kind in {"object", "array"} else node.plain,
        expected=f"one of the drafts {shown(sorted(_DRAFTS))}"
        if path and path[1] == "$schema"
        else "",
    )


def _at(node: Node, path: Path, tokens: list[str | int]) -> tuple[Node, Path]:
    """Follow a path into a schema."""
    for token in tokens:
        node = node.fields[token] if isinstance(token, str) else node.items[token]
        path = (path, token)
    return node, path
