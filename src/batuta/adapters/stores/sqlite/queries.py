"""Reads the named statements of `queries.sql`: SQL is source, kept where SQL tools can read it."""

from __future__ import annotations

from importlib.resources import files

HERE = "batuta.adapters.stores.sqlite"


def load(package: str = HERE) -> dict[str, str]:
    """Return every statement of a package's `queries.sql` by its name."""
    text = (files(package) / "queries.sql").read_text("utf-8")
    statements: dict[str, str] = {}
    for part in text.split("-- name: ")[1:]:
        name, _, body = part.partition("\n")
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        statements[name.strip()] = "\n".join(lines).strip().removesuffix(";")
    return statements


def migrations(package: str = HERE) -> list[tuple[int, str]]:
    """Return a package's migrations in order, with their numbers."""
    folder = files(package) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in names]
