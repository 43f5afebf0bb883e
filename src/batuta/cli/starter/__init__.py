"""The small project that `batuta new` makes: its files, as they are written.

They are real files, so that they are linted, type-checked and run by our own tests. `PLACEHOLDER`
in them becomes the project's name; `gitignore` gets its dot when it is written, since one with a
dot would apply here.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLACEHOLDER = "my-project"
FILES = {
    "greeting.yaml": "greeting.yaml",
    "functions.py": "functions.py",
    "batuta.toml": "batuta.toml",
    "README.md": "README.md",
    "gitignore": ".gitignore",
}
"""Name here -> name in the project."""


def write(folder: Path, name: str) -> list[str]:
    """Write the project into a folder, which is made; return the names of its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for here, there in FILES.items():
        text = files(__name__).joinpath(here).read_text("utf-8")
        (folder / there).write_text(text.replace(PLACEHOLDER, name), "utf-8")
    return list(FILES.values())
