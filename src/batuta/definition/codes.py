"""Every code a problem can carry, with its weight and its meaning.

Owns the list; a code is public and is never reused for another meaning. Does not own the texts of
single problems: those stand where the problem is found, with the value at hand. A new code needs a
line here and a test that produces it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


class Code(NamedTuple):
    """What one code stands for: an error refuses the document, a warning does not."""

    severity: Severity
    meaning: str


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _warning(meaning: str) -> Code:
    return Code("warning", meaning)


CODES: MappingProxyType[str, Code] = MappingProxyType(
    {
        # Text: what stands in the file before it means anything.
        "text-encoding": _error("The bytes are not UTF-8 text."),
        "text-too-large": _error("The file is longer than a workflow may be."),
        "yaml-syntax": _error("The text is neither YAML nor JSON."),
        "yaml-empty": _error("The file holds no document."),
        "yaml-many-documents": _error("The file holds more than one document."),
        "yaml-duplicate-key": _error("A mapping has the same key twice."),
        "yaml-merge-key": _error("YAML 1.1's merge key `<<` is not part of YAML 1.2."),
        "yaml-key": _error("A key is not a name."),
        "yaml-tag": _error("A YAML tag names a type that JSON does not have."),
        "yaml-number": _error("A number has no place in JSON, or cannot be read as its tag says."),
        "yaml-alias": _error("An alias names no anchor, or an anchor that contains it."),
        "yaml-too-deep": _error("The document is nested deeper than is allowed."),
        "yaml-too-large": _error("The document, aliases written out, has too many values."),
        # Shape: what the DSL allows where.
        "wrong-type": _error("A value has another type than the DSL wants here."),
        "unknown-property": _error("A property is not part of the DSL here."),
        "missing-property": _error("A required property is absent."),
        "conflicting-properties": _error("Properties that exclude each other stand together."),
        "not-allowed-value": _error("A value is not one of those allowed."),
        "wrong-format": _error("A text does not have the form wanted here."),
        "out-of-range": _error("A number is too small or too large."),
        "too-few": _error("A list or mapping has too few entries."),
        "single-key": _error("An entry of a list is not a mapping with exactly one key."),
        "task-kind": _error("A task is of no kind, or of several."),
        "duration": _error("A duration cannot be read, or has no fixed length."),
        "expression-required": _error("A value here must be an expression `${ ... }`."),
        "dsl-version": _error("The document is written in another version of the DSL."),
        "unsupported": _error("The DSL allows it, and no runtime of ours performs it."),
        # Names: what refers to something else.
        "unknown-task": _error("A flow directive names no task of its list."),
        "duplicate-task": _error("Two tasks of one list have the same name."),
        "reserved-name": _error("A name is taken by the DSL."),
        "variable-clash": _error("Two variables of one task have the same name."),
        "unknown-authentication": _error("An authentication is not in `use.authentications`."),
        "unknown-error": _error("An error is not in `use.errors`."),
        "unknown-retry": _error("A retry policy is not in `use.retries`."),
        "unknown-timeout": _error("A timeout is not in `use.timeouts`."),
        "unknown-secret": _error("A secret is not in `use.secrets`."),
        "unknown-function": _error("A function is neither in `use.functions` nor deployed."),
        "unknown-catalog": _error("A catalogue is not in `use.catalogs`."),
        "unknown-participant": _error("A participant is not in `document.metadata.participants`."),
        "function-cycle": _error("A function calls itself, directly or through others."),
        # Flow: where control can go.
        "unreachable-task": _warning("No path of control leads to a task."),
        "endless-loop": _warning("A jump leads into a loop that no condition can leave."),
        "condition-with-jump": _warning("A task has both `if` and a `then` that jumps."),
        "many-defaults": _error("A switch has more than one case without `when`."),
        # Expressions.
        "expression-syntax": _error("An expression cannot be read."),
        "unknown-variable": _error("An expression uses a variable that does not exist here."),
        "embedded-expression": _warning("`${ ... }` inside a longer text is not evaluated."),
        "loose-evaluation": _warning("`evaluate.mode: loose` is read as `strict`."),
        "bare-expression": _warning("A value looks like an expression and is taken literally."),
        "secret-key": _error("A business key is made of what a schema marks as secret."),
        "secret-in-decision": _warning("A secret decides where control goes."),
        # Events, schedules and schemas.
        "listen-to-nothing": _error("A listen waits for all of no events."),
        "event-attribute": _error("A CloudEvents attribute has a name that is not allowed."),
        "cron": _error("A cron expression cannot be read."),
        "schema-format": _warning("A schema is of a format that the runtime cannot check."),
        "schema-invalid": _error("A JSON Schema is not a valid schema."),
        # Ours, under `metadata`.
        "metadata-key": _error("A key under `metadata` is neither ours nor namespaced."),
        "compensate-nested": _error("A compensation has a compensation of its own."),
    }
)
"""Code to meaning, in the order in which the checks run."""
