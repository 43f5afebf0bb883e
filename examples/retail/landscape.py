"""The four systems as real processes: starts them, finds their addresses, stops them."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SYSTEMS = ("inventory", "payments", "shipping", "notifications")
FOLDER = Path(__file__).resolve().parent / "systems"
STOP_S = 10.0


@contextlib.contextmanager
def running_systems(data: Path) -> Iterator[dict[str, str]]:
    """Run all four for the length of the block, each with a database of its own in `data`.

    Yields:
        The base address of each system, by name.
    """
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(running_system(name, data)) for name in SYSTEMS}


@contextlib.contextmanager
def running_system(name: str, data: Path, port: int = 0) -> Iterator[str]:
    """Run one system on `data`/`name`.sqlite; yields its base address.

    Raises:
        RuntimeError: it ended before it could be called.
    """
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--port", str(port)]
    with subprocess.Popen(
        [*command, "--database", str(data / f"{name}.sqlite")], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise RuntimeError(f"{name} ended at once, with exit code {process.wait()}")
            yield json.loads(line)["address"]
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
