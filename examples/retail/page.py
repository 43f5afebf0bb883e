"""The page, with the runs of both undisturbed rounds of the demo on it, for a while.

    python page.py FOLDER SECONDS ORCHESTRATED_SYSTEMS CHOREOGRAPHED_SYSTEMS

FOLDER has the rounds; the systems are their addresses then, in JSON: they listen there again, and
the participants are back, so that orders can be retried from the page. Nothing of the rounds is
copied: a conductor's store also keeps what a viewer sees, so it reads the other round's bus along.

Printed is a JSON line with the page's address. After SECONDS the folder is removed, if it is a
temporary one, and all ends.
"""

import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from landscape import PARTICIPANTS, bus_of, running_participants, running_systems, store_of

import batuta
from batuta.server.serving import serving
from batuta.wiring.settings import Placed
from batuta.wiring.surroundings import surroundings


async def show(folder: Path, seconds: float) -> None:
    """Serve the page until the time is over."""
    both, apart = folder / "orchestrated", folder / "choreographed"
    settings = batuta.Settings(
        store=store_of(both),
        bus=bus_of(apart),
        participants={name: Placed(remote=True) for name in PARTICIPANTS},
    )
    async with batuta.open(settings=settings, resume=True) as engine:
        await engine.catch_up()
        with surroundings(settings) as around:
            async with serving(engine, around) as served:
                sys.stdout.write(json.dumps({"page": served.page}) + "\n")
                sys.stdout.flush()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(engine.serve(), seconds)


def ports(systems: str) -> dict[str, int]:
    """Return the ports of systems whose addresses are given in JSON."""
    return {name: urlsplit(url).port or 0 for name, url in json.loads(systems).items()}


def main(folder: Path, seconds: float, orchestrated: str, choreographed: str) -> None:
    """Bring everything up around the page, and down again."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # everybody else ends with it
    try:
        with (
            running_systems(folder / "orchestrated", ports(orchestrated)),
            running_systems(folder / "choreographed", ports(choreographed)),
            running_participants(folder / "choreographed"),
        ):
            asyncio.run(show(folder, seconds))
    finally:
        if folder.is_relative_to(tempfile.gettempdir()):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4])
