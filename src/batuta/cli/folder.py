"""What lies in a folder: workflows, functions, and what is neither.

Files tell what they are by their text alone: nothing is imported or run to find out, since a folder
may hold scripts that do something when they are. Subfolders are not looked into.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = frozenset({".yaml", ".yml", ".json"})
_DOCUMENT = re.compile(r"""(?m)^\s*\{?\s*["']?document["']?\s*:""")
_DSL = re.compile(r"""["']?\bdsl["']?\s*:""")
_HOMES = frozenset({"batuta", "batuta.adapters.callers.functions"})


@dataclass(slots=True)
class Folder:
    """What was found; `skipped` holds (file, why)."""

    workflows: list[Path] = field(default_factory=list["Path"])
    functions: list[Path] = field(default_factory=list["Path"])
    skipped: list[tuple[Path, str]] = field(default_factory=list[tuple["Path", str]])


def scan(folder: Path) -> Folder:
    """Sort the files of a folder, by name.

    Raises:
        OSError: it cannot be read.
    """
    found = Folder()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix in DOCUMENTS:
            if _is_workflow(_text(path)):
                found.workflows.append(path)
            else:
                found.skipped.append((path, "no workflow: it has no `document` with a `dsl`"))
        elif path.suffix == ".py" and declares_functions(_text(path)):
            found.functions.append(path)
    return found


def _text(path: Path) -> str:
    return path.read_text("utf-8-sig", errors="replace")


def _is_workflow(text: str) -> bool:
    return _DOCUMENT.search(text) is not None and _DSL.search(text) is not None


def declares_functions(text: str) -> bool:
    """Say whether a Python file puts `@batuta.function` on something.

    A file that cannot be parsed does when it speaks of batuta: loading it then tells what is wrong.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return "batuta" in text
    modules, names = _names_of_function(tree)
    return any(
        _is_mark(decorator, modules, names)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    )


def _names_of_function(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return what `batuta` is called in a file, and what its `function` is called."""
    modules: set[str] = set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name for one in node.names if one.name == "batuta"}
        elif isinstance(node, ast.ImportFrom) and node.module in _HOMES:
            names |= {one.asname or one.name for one in node.names if one.name == "function"}
    return modules, names


def _is_mark(decorator: ast.expr, modules: set[str], names: set[str]) -> bool:
    mark = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(mark, ast.Name):
        return mark.id in names
    return (
        isinstance(mark, ast.Attribute)
        and mark.attr == "function"
        and isinstance(mark.value, ast.Name)
        and mark.value.id in modules
    )
