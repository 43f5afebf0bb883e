"""Writes `ui/openapi.json`: the API as OpenAPI 3.1, which the page's client is generated from.

The document is the server's own; this opens an engine over an empty store to ask for it. A test
holds the file to what this would write.

    .venv/bin/python tools/openapi.py
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import batuta
from batuta.server.application import document
from batuta.server.serving import desk_of
from batuta.wiring.surroundings import surroundings

PAGE = Path(__file__).parents[1] / "ui" / "openapi.json"


async def written() -> str:
    """Return the document as it has to be in the file."""
    with tempfile.TemporaryDirectory() as folder:
        settings = batuta.Settings(store=f"sqlite:///{folder}/store.db")
        async with batuta.open(settings=settings) as engine:
            with surroundings(settings) as around:
                told = document(desk_of(engine, around, ""))
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(asyncio.run(written()), encoding="utf-8")
