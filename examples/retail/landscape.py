"""Everything that runs beside the order desk: the four systems, and the five participants.

Each is a process. A system is somebody's software with a database of its own; a participant is
`batuta participant NAME`, which does that system's part of choreographed orders. Owns how they are
started, found and stopped.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SYSTEMS = ("inventory", "payments", "shipping", "notifications")
PARTICIPANTS = ("orders", *SYSTEMS)
HERE = Path(__file__).resolve().parent
FOLDER = HERE / "systems"
STOP_S = 10.0


@contextlib.contextmanager
def running_systems(data: Path, ports: dict[str, int] | None = None) -> Iterator[dict[str, str]]:
    """Run all four for the length of the block, each with a database of its own in `data`.

    Args:
        data: where their databases lie.
        ports: where they listen, by name; by default any that are free.

    Yields:
        The base address of each system, by name.
    """
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(running_system(name, data, (ports or {}).get(name, 0)))
            for name in SYSTEMS
        }


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
            stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End a process, by force if it does not go."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def bus_of(data: Path) -> str:
    """Return the URL of the bus on which the participants in a folder meet."""
    return f"sqlite:///{data / 'bus.sqlite'}"


def store_of(data: Path) -> str:
    """Return the URL of the order desk's store in a folder."""
    return f"sqlite:///{data / 'desk.sqlite'}"


class Participants:
    """The five participants, a process and a store in `data` each."""

    def __init__(self, data: Path, bus: str | None = None) -> None:
        self._data = data
        self._bus = bus or bus_of(data)
        self.processes: dict[str, subprocess.Popen[str]] = {}

    def start(self, *names: str) -> None:
        """Start participants, beside each other, and wait until they take part.

        Raises:
            RuntimeError: one ended before.
        """
        for name in names:
            store = f"sqlite:///{self._data / f'{name}.participant.sqlite'}"
            batuta = [sys.executable, "-m", "batuta", "participant", name, "--quiet", "--json"]
            self.processes[name] = subprocess.Popen(
                [*batuta, "--workflows", str(HERE), "--store", store, "--bus", self._bus],
                stdout=subprocess.PIPE,
                text=True,
            )
        for name in names:
            lines = self.processes[name].stdout or ()
            if not any(json.loads(line)["what"] == "up" for line in lines):
                raise RuntimeError(f"{name} ended with exit code {self.processes[name].wait()}")

    def kill(self, name: str) -> None:
        """Kill one, as `kill -9` does: it has no time for anything."""
        process = self.processes[name]
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def running_participants(data: Path, bus: str | None = None) -> Iterator[Participants]:
    """Run all participants for the length of the block.

    Args:
        data: where their stores lie.
        bus: the URL of where they meet; by default a file in `data`.
    """
    participants = Participants(data, bus)
    try:
        participants.start(*PARTICIPANTS)
        yield participants
    finally:
        for process in participants.processes.values():
            stop(process)
            if process.stdout:
                process.stdout.close()
