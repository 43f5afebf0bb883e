"""What the workflows here may call: plain Python, tested like any other."""

from __future__ import annotations

import batuta


@batuta.function
async def greet(name: str) -> dict[str, str]:
    """Greet somebody by name."""
    return {"text": f"Hello, {name}!"}
