"""Business keys: that they are not made of what a schema marks as secret.

Owns the check for a schema in the document. One that lies elsewhere is read when the workflow is
deployed, and is held against the keys then (`secret_keys`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.definition.expression_language import unwrap
from batuta.definition.marks import Marks, marks_of
from batuta.definition.reads import reads_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.definition.found import Found
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings

STAGE = "workflow.keys"


def secret_keys(keys: Mapping[str, str], marks: Marks, *, is_transformed: bool) -> frozenset[str]:
    """Return which business keys read something secret.

    Args:
        keys: their expressions, bare or wrapped.
        marks: of the schema of the workflow's raw input.
        is_transformed: keys see another input than the schema does (`input.from`); then whatever
            has the name of something secret counts.
    """
    paths = marks.paths()
    return frozenset(
        name
        for name, text in keys.items()
        if reads_of(unwrap(text) or text).touches(paths, exactly=not is_transformed)
    )


def check_keys(found: Found, root: Node, findings: Findings) -> None:
    """Refuse business keys that read something secret."""
    data = root.plain.get("input") if isinstance(root.plain, dict) else None
    schema = data.get("schema") if isinstance(data, dict) else None
    document: Any = schema.get("document") if isinstance(schema, dict) else None
    marks = marks_of(document)
    if marks is None:
        return
    is_transformed = "from" in (data or {})
    for site in found.expressions:
        given = {"": site.program}
        if site.view.stage == STAGE and secret_keys(given, marks, is_transformed=is_transformed):
            findings.add(
                "secret-key",
                site.node.position,
                site.path,
                "a business key reads what the schema of the input marks as secret",
                value=site.program,
                expected="an expression over what everybody may see",
                hint="keys are shown in lists and searched by: take something else",
            )
