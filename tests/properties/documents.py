"""The documents of the orchestrated suite: those of the kernel's tests and of the conformance kit.

Those of the kernel's tests are read from their sources: whatever text there is a document that
passes the checks. Both say nothing of participants as a rule, so they are spread over some: every
task that acts gets the next of three in turn, inside of a listen's `foreach` none, since that
belongs to who listens.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from batuta.definition import check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

TESTS = Path(__file__).parents[1]
KIT = Path(os.environ.get("BATUTA_CTK") or TESTS.parents[1] / "shared" / "ctk")
OF_THE_KERNEL = [
    path
    for path in sorted((TESTS / "kernel").glob("test_*.py"))
    if path.stem not in {"test_away", "test_parts"}  # they are about participants themselves
]
WHO = ("orders", "stock", "payments")
ACTING = ("call", "run", "listen", "emit", "wait")
HEAD = {"dsl": "1.0.3", "namespace": "test", "name": "scenario", "version": "1.0.0"}


def of_tests(path: Path) -> dict[str, dict[str, Any]]:
    """Return the documents of a file of tests by test (or constant), and number."""
    found: dict[str, dict[str, Any]] = {}
    module = _module(path)
    for statement in ast.parse(path.read_text("utf-8")).body:
        name = getattr(statement, "name", None) or ast.unparse(statement).partition(" ")[0]
        documents = (_document(text) for text in _texts(statement, module))
        for number, one in enumerate(one for one in documents if one is not None):
            found[f"{name} {number}" if number else name] = one
    return found


def of_the_kit() -> dict[str, dict[str, Any]]:
    """Return the documents of the conformance kit by scenario; none where it is absent."""
    from gherkin import scenarios

    return {
        scenario.name: document
        for path in sorted(KIT.glob("*.feature"))
        for scenario in scenarios(path.read_text("utf-8"))
        for step in scenario.steps
        if step.text == "a workflow with definition:"
        and (document := _document(step.block or "")) is not None
    }


def spread(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with participants, those that it has itself if it has any."""
    document = json.loads(json.dumps(document))
    metadata = document["document"].setdefault("metadata", {})
    if "participants" not in metadata:
        metadata |= {"participants": {name: {} for name in WHO}, "participant": WHO[0]}
        _assign(document, itertools.cycle(WHO))
    return document


def _assign(value: Any, names: Iterator[str]) -> None:
    if isinstance(value, list):
        for one in value:
            _assign(one, names)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in {"with", "set", "metadata", "foreach", "document", "input", "output"}:
                _assign(one, names)
        if any(isinstance(value.get(kind), dict | str) for kind in ACTING):
            value.setdefault("metadata", {})["participant"] = next(names)


def event_types(value: Any) -> set[str]:
    """Return the types of events that a document listens to."""
    if isinstance(value, list):
        return {found for one in value for found in event_types(one)}
    if not isinstance(value, dict):
        return set()
    attributes = value.get("with")
    type_ = attributes.get("type") if isinstance(attributes, dict) else None
    own = {type_} if isinstance(type_, str) else set[str]()
    return own.union(*(event_types(one) for one in value.values()))


def _module(path: Path) -> ModuleType:
    name = f"documents_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def _texts(statement: ast.stmt, module: ModuleType) -> Iterator[str]:
    """Yield the texts in a statement; those that are put together of what a test has, are not."""
    inside: set[ast.AST] = set()
    for node in ast.walk(statement):
        if node in inside or not isinstance(node, ast.Constant | ast.JoinedStr | ast.Call):
            continue
        if isinstance(node, ast.Call) and not ast.unparse(node.func).endswith(".replace"):
            continue
        try:
            text = eval(compile(ast.Expression(node), "test", "eval"), vars(module))
        except Exception:  # noqa: BLE001 -- names of the test's own
            continue
        if isinstance(text, str):
            inside.update(ast.walk(node))
            yield text


def _document(text: str) -> dict[str, Any] | None:
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("do"), list):
        return None
    if "document" not in document:
        document = {"document": dict(HEAD), **document}
    try:
        valid = check(json.dumps(document)).workflow is not None
    except (TypeError, ValueError):
        return None
    return document if valid else None
