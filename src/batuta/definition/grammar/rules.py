"""Rules across the properties of one object, and which of them see further variables.

Owns what a table cannot say property by property. A rule looks at one object and is silent about
properties of the wrong type: the walk has already spoken of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batuta.definition.duration import DurationError, to_milliseconds
from batuta.definition.forms import FORMS
from batuta.definition.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings, Path
    from batuta.definition.shapes import Binder, Rule


def secret_or(*required: str) -> Rule:
    """Return the rule that a policy names a secret with `use`, or has `required` inline."""

    def rule(node: Node, path: Path, findings: Findings) -> None:
        inline = [key for key in node.fields if key != "use"]
        if "use" in node.fields and inline:
            findings.add(
                "conflicting-properties",
                node.keys["use"],
                path,
                f"`use` stands beside {listed(inline)}",
                expected="either the name of a secret, or the properties themselves",
                hint="a secret named by `use` holds all the properties of the policy",
            )
        missing = [key for key in required if key not in node.fields]
        if "use" not in node.fields and missing:
            findings.add(
                "missing-property",
                node.position,
                path,
                f"{listed(missing)} is missing",
                hint="or name a secret that holds the properties: { use: SECRET }",
            )

    return rule


def not_empty(node: Node, path: Path, findings: Findings) -> None:
    """Demand at least one property."""
    if not node.fields:
        findings.add("too-few", node.position, path, "the object is empty", expected="a property")


def attribute_names(node: Node, path: Path, findings: Findings) -> None:
    """Demand names that CloudEvents allows for attributes (CloudEvents 1.0, section 3.1)."""
    for key, position in node.keys.items():
        misfit = FORMS["attribute"](key)
        if misfit is not None:
            findings.add(
                misfit.code,
                position,
                (path, key),
                f"`{key}` cannot be the name of an event attribute",
                value=key,
                expected=misfit.expected,
                hint=misfit.hint,
            )


def some_filter(node: Node, path: Path, findings: Findings) -> None:
    """Refuse to wait for all of nothing: `any: []` means every event, `all: []` means none."""
    every = node.fields.get("all")
    if every is not None and every.kind == "array" and not every.items:
        findings.add(
            "listen-to-nothing",
            every.position,
            (path, "all"),
            "`all` has no filters, so there is nothing to wait for",
            expected="at least one event filter",
            hint="write `any: []` to take every event",
        )


def until_needs_any(node: Node, path: Path, findings: Findings) -> None:
    """Refuse `until` beside `one` and `all`, which end by themselves."""
    if "until" in node.fields and "any" not in node.fields:
        findings.add(
            "conflicting-properties",
            node.keys["until"],
            (path, "until"),
            "`until` has a meaning only with `any`",
            hint="remove it, or listen to `any`",
        )


def cleanup_delay(node: Node, path: Path, findings: Findings) -> None:
    """Demand `after` exactly when a container is removed `eventually`."""
    eventually = _text(node, "cleanup") == "eventually"
    if eventually and "after" not in node.fields:
        findings.add(
            "missing-property",
            node.position,
            path,
            "`after` is missing",
            hint="say when `eventually` is, or write `cleanup: always`",
        )
    if "cleanup" in node.fields and not eventually and "after" in node.fields:
        findings.add(
            "conflicting-properties",
            node.keys["after"],
            (path, "after"),
            "`after` has a meaning only with `cleanup: eventually`",
            hint="remove it, or write `cleanup: eventually`",
        )


def strict_only(node: Node, path: Path, findings: Findings) -> None:
    """Warn that bare texts are literal in every mode: what a text means must not depend on luck."""
    if _text(node, "mode") == "loose":
        findings.add(
            "loose-evaluation",
            node.fields["mode"].position,
            (path, "mode"),
            "`loose` is read as `strict`",
            value="loose",
            expected="expressions in values wrapped in ${ ... }",
            hint="wrap what is to be evaluated, and remove `mode`",
        )


def read_needs_events(node: Node, path: Path, findings: Findings) -> None:
    """Demand `on` where `read` says how to read its events."""
    if "read" in node.fields and "on" not in node.fields:
        findings.add(
            "missing-property",
            node.keys["read"],
            path,
            "`read` stands without `on`",
            hint="`read` says how the events of `on` are handed to the run",
        )


def warning_before_end(node: Node, path: Path, findings: Findings) -> None:
    """Demand that an SLA warns before it is broken."""
    within, warn = (_milliseconds(node, key) for key in ("within", "warn"))
    if within is not None and warn is not None and warn >= within:
        findings.add(
            "out-of-range",
            node.fields["warn"].position,
            (path, "warn"),
            "`warn` is not shorter than `within`",
            value=node.fields["warn"].plain,
            expected=f"less than {within} ms",
        )


def jitter_in_order(node: Node, path: Path, findings: Findings) -> None:
    """Demand that jitter does not end before it begins."""
    least, most = (_milliseconds(node, key) for key in ("from", "to"))
    if least is not None and most is not None and most < least:
        findings.add(
            "out-of-range",
            node.fields["to"].position,
            (path, "to"),
            "`to` is shorter than `from`",
            value=node.fields["to"].plain,
            expected=f"at least {least} ms",
        )


def distinct_variables(one: str, default_one: str, other: str, default_other: str) -> Rule:
    """Return the rule that two variables of a loop have different names."""

    def rule(node: Node, path: Path, findings: Findings) -> None:
        first, second = _named(node, one, default_one), _named(node, other, default_other)
        if first == second:
            key = other if other in node.fields else one
            findings.add(
                "variable-clash",
                node.fields[key].position,
                (path, key),
                f"`{one}` and `{other}` both name `${first}`",
                value=first,
                expected="two different names",
            )

    return rule


def loop_variables(node: Node) -> Mapping[str, frozenset[str]]:
    """Bind the variables of a `for` task (`for.each`, `for.at`) where it repeats."""
    loop = node.fields.get("for")
    names = frozenset(
        ("item", "index")
        if loop is None
        else (_named(loop, "each", "item"), _named(loop, "at", "index"))
    )
    return {"while": names, "do": names}


def iterator_variables(node: Node) -> Mapping[str, frozenset[str]]:
    """Bind the variables of a `foreach` (`item`, `at`) in all it does."""
    names = frozenset((_named(node, "item", "item"), _named(node, "at", "index")))
    return dict.fromkeys(("do", "output", "export"), names)


def error_variable(node: Node) -> Mapping[str, frozenset[str]]:
    """Bind the caught error (`as`) in the rest of a `catch`."""
    names = frozenset((_named(node, "as", "error"),))
    return dict.fromkeys(("when", "exceptWhen", "retry", "do"), names)


def always(bound: Mapping[str, frozenset[str]]) -> Binder:
    """Return the binder that does not depend on the object."""
    return lambda _node: bound


def _named(node: Node, key: str, default: str) -> str:
    return _text(node, key) or default


def _text(node: Node, key: str) -> str:
    found = node.fields.get(key)
    return found.plain if found is not None and found.kind == "string" else ""


def _milliseconds(node: Node, key: str) -> int | None:
    found = node.fields.get(key)
    try:
        return None if found is None else to_milliseconds(found.plain)
    except DurationError:
        return None
