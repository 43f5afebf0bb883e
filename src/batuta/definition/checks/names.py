"""Names that refer to something in `use`, or to participants.

Owns looking names up. Does not own the targets of `then` (`checks.flow`) nor secrets inside
expressions (`checks.expressions`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from batuta.definition.forms import BUILT_IN_CALLS
from batuta.definition.shapes import Names
from batuta.definition.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition.found import Found, Reference
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+")


class Declared(NamedTuple):
    """The names a document declares."""

    authentications: frozenset[str]
    errors: frozenset[str]
    retries: frozenset[str]
    timeouts: frozenset[str]
    secrets: frozenset[str]
    functions: frozenset[str]
    catalogs: frozenset[str]
    participants: frozenset[str] | None
    """None when the document declares none, so that any name may be used."""


def declared_in(root: Node) -> Declared:
    """Return what a document declares, whatever else is wrong with it."""
    participants = _inside(root, "document", "metadata", "participants")
    secrets = _inside(root, "use", "secrets")

    def names(table: str) -> frozenset[str]:
        found = _inside(root, "use", table)
        return frozenset(() if found is None else found.fields)

    return Declared(
        authentications=names("authentications"),
        errors=names("errors"),
        retries=names("retries"),
        timeouts=names("timeouts"),
        secrets=frozenset(
            () if secrets is None else (one.plain for one in secrets.items if one.kind == "string")
        ),
        functions=names("functions"),
        catalogs=names("catalogs"),
        participants=None if participants is None else frozenset(participants.fields),
    )


def check_names(
    found: Found,
    declared: Declared,
    known_functions: Collection[str] | None,
    findings: Findings,
) -> None:
    """Look up every name that the walk found."""
    tables = {
        Names.AUTHENTICATION: ("authentication", declared.authentications, "authentications"),
        Names.ERROR: ("error", declared.errors, "errors"),
        Names.RETRY: ("retry", declared.retries, "retries"),
        Names.TIMEOUT: ("timeout", declared.timeouts, "timeouts"),
        Names.SECRET: ("secret", declared.secrets, "secrets"),
    }
    for reference in found.references:
        match reference.names:
            case Names.TASK:
                continue
            case Names.FUNCTION:
                _function(reference, declared, known_functions, findings)
            case Names.PARTICIPANT:
                if declared.participants is not None:
                    where = "`document.metadata.participants`"
                    _look_up(reference, "participant", declared.participants, where, findings)
            case kind:
                word, known, table = tables[kind]
                _look_up(reference, word, known, f"`use.{table}`", findings)


def _look_up(
    reference: Reference, word: str, known: frozenset[str], where: str, findings: Findings
) -> None:
    name = reference.node.plain
    if name in known:
        return
    hint = did_you_mean(name, known)
    if word == "timeout" and name[:1] == "P" and not hint:
        hint = f"a timeout of that length is `timeout: {{ after: {name} }}`"
    findings.add(
        f"unknown-{word}",
        reference.node.position,
        reference.path,
        f"there is no {word} `{name}` in {where}",
        value=name,
        expected=f"one of {listed(sorted(known))}" if known else f"a {word} declared in {where}",
        hint=hint,
    )


def _function(
    reference: Reference,
    declared: Declared,
    deployed: Collection[str] | None,
    findings: Findings,
) -> None:
    """Look up what a call calls: ours, an address, a catalogue's, or one the runtime has."""
    name: str = reference.node.plain
    if name in BUILT_IN_CALLS or name in declared.functions or _ADDRESS.fullmatch(name):
        return
    plain, at, catalog = name.partition("@")
    if at and catalog != "default":
        if catalog not in declared.catalogs:
            known = sorted({*declared.catalogs, "default"})
            findings.add(
                "unknown-catalog",
                reference.node.position,
                reference.path,
                f"there is no catalogue `{catalog}` in `use.catalogs`",
                value=name,
                expected=f"one of {listed(known)}",
                hint=did_you_mean(catalog, known),
            )
        return
    if deployed is None or _deployed(plain, deployed):
        return
    known_names = {*declared.functions, *deployed, *BUILT_IN_CALLS}
    findings.add(
        "unknown-function",
        reference.node.position,
        reference.path,
        f"there is no function `{name}`",
        value=name,
        expected=f"one of {listed(sorted(known_names))}",
        hint=did_you_mean(plain, known_names)
        or "define it in `use.functions`, or deploy it with the functions of this project",
    )


def _deployed(name: str, deployed: Collection[str]) -> bool:
    """Return whether a function is there: `name` means any version, `name:1.0.0` that one."""
    bare = name.partition(":")[0]
    if name in deployed or (bare != name and bare in deployed):
        return True
    return bare == name and any(known.partition(":")[0] == name for known in deployed)


def _inside(node: Node, *keys: str) -> Node | None:
    found: Node | None = node
    for key in keys:
        found = None if found is None else found.fields.get(key)
    return found
