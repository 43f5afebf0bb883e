"""Names that refer to something in `use`, or to participants.

Owns looking names up. Does not own the targets of `then` (`checks.flow`) nor secrets inside
expressions (`checks.expressions`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from batuta.definition.forms import BUILT_IN_CALLS
from batuta.definition.shapes import Names
from batuta.definition.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Collection

    from batuta.definition.found import Found, Reference
    from batuta.definition.nodes import Node
    from batuta.definition.problems import Findings, Path

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+")


Known: TypeAlias = "Collection[str]"
"""Names, in the order of the text; looked up often, so a mapping's keys or a set."""


class Declared(NamedTuple):
    """The names a document declares."""

    authentications: Known
    errors: Known
    retries: Known
    timeouts: Known
    secrets: Known
    functions: Known
    catalogs: Known
    participants: Known | None
    """None when the document declares none, so that any name may be used."""


def declared_in(root: Node) -> Declared:
    """Return what a document declares, whatever else is wrong with it."""
    participants = _inside(root, "document", "metadata", "participants")
    secrets = _inside(root, "use", "secrets")

    def names(table: str) -> Known:
        found = _inside(root, "use", table)
        return {} if found is None else found.keys

    return Declared(
        authentications=names("authentications"),
        errors=names("errors"),
        retries=names("retries"),
        timeouts=names("timeouts"),
        secrets=dict.fromkeys(
            one.plain for one in (() if secrets is None else secrets.items) if one.kind == "string"
        ),
        functions=names("functions"),
        catalogs=names("catalogs"),
        participants=None if participants is None else participants.keys,
    )


def check_names(
    found: Found,
    declared: Declared,
    known_functions: Collection[str] | None,
    findings: Findings,
    root: Node,
) -> None:
    """Look up every name that the walk found in the document with this root."""
    tables = {
        Names.AUTHENTICATION: ("authentication", declared.authentications, "authentications"),
        Names.ERROR: ("error", declared.errors, "errors"),
        Names.RETRY: ("retry", declared.retries, "retries"),
        Names.TIMEOUT: ("timeout", declared.timeouts, "timeouts"),
        Names.SECRET: ("secret", declared.secrets, "secrets"),
    }
    deployed = None if known_functions is None else _Deployed(known_functions)
    for reference in found.references:
        match reference.names:
            case Names.TASK:
                continue
            case Names.FUNCTION:
                _function(reference, declared, deployed, findings, root)
            case Names.PARTICIPANT:
                if declared.participants is not None:
                    where = "`document.metadata.participants`"
                    _look_up(reference, "participant", declared.participants, where, findings)
            case kind:
                word, known, table = tables[kind]
                _look_up(reference, word, known, f"`use.{table}`", findings)


def _look_up(reference: Reference, word: str, known: Known, where: str, findings: Findings) -> None:
    name = reference.node.plain
    if name in known:
        return

    def hint() -> str:
        if word == "timeout" and name[:1] == "P":
            return f"a timeout of that length is `timeout: {{ after: {name} }}`"
        return did_you_mean(name, known)

    findings.add(
        f"unknown-{word}",
        reference.node.position,
        reference.path,
        f"there is no {word} `{name}` in {where}",
        value=name,
        expected=f"one of {listed(known)}" if known else f"a {word} declared in {where}",
        hint=hint,
    )


def _function(
    reference: Reference,
    declared: Declared,
    deployed: _Deployed | None,
    findings: Findings,
    root: Node,
) -> None:
    """Look up what a call calls: ours, an address, a catalogue's, or one the runtime has."""
    name: str = reference.node.plain
    if name in BUILT_IN_CALLS or name in declared.functions or _ADDRESS.fullmatch(name):
        return
    plain, at, catalog = name.partition("@")
    if at and catalog != "default":
        if catalog not in declared.catalogs:
            known = (*declared.catalogs, "default")
            findings.add(
                "unknown-catalog",
                reference.node.position,
                reference.path,
                f"there is no catalogue `{catalog}` in `use.catalogs`",
                value=name,
                expected=f"one of {listed(known)}",
                hint=partial(did_you_mean, catalog, known),
            )
        return
    if deployed is None or deployed.has(plain):
        return
    if declared.catalogs and not at and ":" in name:
        return  # which catalogue has it is found out when the workflow is deployed
    if _is_external(root, reference.path):
        return  # what a service that is not ours is asked for has a name of its own there

    def hint() -> str:
        return did_you_mean(plain, (*declared.functions, *deployed.names, *BUILT_IN_CALLS)) or (
            "define it in `use.functions`, or deploy it with the functions of this project"
        )

    findings.add(
        "unknown-function",
        reference.node.position,
        reference.path,
        f"there is no function `{name}`",
        value=name,
        expected="a function of `use.functions`, a deployed one, or an address",
        hint=hint,
    )


def _is_external(root: Node, path: Path) -> bool:
    """Say whether what stands at a place is performed by a service that is not ours."""
    tokens: list[str | int] = []
    while path is not None:
        path, token = path
        tokens.append(token)
    owner = _inside(root, "document", "metadata", "participant")
    node: Node = root
    for token in reversed(tokens):
        node = node.items[token] if isinstance(token, int) else node.fields[token]
        owner = _inside(node, "metadata", "participant") or owner
    if owner is None or owner.kind != "string":
        return False
    external = _inside(root, "document", "metadata", "participants", owner.plain, "external")
    return external is not None and external.plain is True


class _Deployed:
    """The functions a runtime has: `name` means any version, `name:1.0.0` that one."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self._any_version = frozenset(name.partition(":")[0] for name in names)

    def has(self, name: str) -> bool:
        bare, versioned, _ = name.partition(":")
        if not versioned:
            return name in self._any_version
        return name in self.names or bare in self.names


def _inside(node: Node, *keys: str) -> Node | None:
    found: Node | None = node
    for key in keys:
        found = None if found is None else found.fields.get(key)
    return found
