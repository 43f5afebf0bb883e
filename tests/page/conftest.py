"""A shop that runs (`batuta up`, a process of its own), and a browser that looks at its page.

The page is the built one and the browser a real Chromium; where either is missing these tests are
skipped, which CI counts as failures. `make ui` builds the page. Tests wait for what they need to
see, never for a time; the limits are long, since other tests want the same processors.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright", reason="pip install playwright")
from playwright.sync_api import expect, sync_playwright

from .small_png import small

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "src" / "batuta" / "server" / "static"
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "there is no Chromium to look at the page with: install one (apt-get install chromium), or name"
    " one in BATUTA_BROWSER"
)
SHOP = Path(__file__).parent / "shop"
PICTURES = ROOT / "docs" / "page"
PATIENCE_S = 60
TEST_S = 300

expect.set_options(timeout=PATIENCE_S * 1_000)


def pytest_collection_modifyitems(items):
    """Give tests of the page the time that a loaded machine needs for a browser."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.timeout(TEST_S))


@dataclass
class Shop:
    """A folder that runs, and a client for its API."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    others: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self) -> None:
        """Run the folder; returns when the page is served."""
        if not self.port:
            self.port = free_port()
        command = [sys.executable, "-m", "batuta", "up", ".", "--json", "--quiet"]
        command += ["--bus", "sqlite:///bus.db", "--port", str(self.port)]
        self.process = self._spawn(command)
        for line in self.process.stdout:
            if json.loads(line)["what"] == "up":
                return
        raise AssertionError("batuta up ended: " + (self.folder / "err.log").read_text())

    def participant(self, name: str) -> subprocess.Popen[str]:
        """Run one participant as a process of its own."""
        command = [sys.executable, "-m", "batuta", "participant", name, "--bus", "sqlite:///bus.db"]
        made = self.others[name] = self._spawn([*command, "--workflows", ".", "--json"])
        made.stdout.readline()
        return made

    def kill(self, name: str) -> None:
        """Kill a participant that is a process of its own."""
        one = self.others.pop(name)
        one.kill()
        one.wait()
        one.stdout.close()

    def _spawn(self, command: list[str]) -> subprocess.Popen[str]:
        with (self.folder / "err.log").open("a") as errors:
            return subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def stop(self) -> None:
        """Stop all processes, hard."""
        for one in [self.process, *self.others.values()]:
            if one is not None and one.poll() is None:
                one.send_signal(signal.SIGKILL)
                one.wait()
            if one is not None:
                one.stdout.close()
        self.others.clear()

    @property
    def token(self) -> str:
        """The local token."""
        return (self.folder / ".batuta" / "token").read_text().strip()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Ask the API for something that has to be there."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.address}api/v1{path}", data=data, method=method)
        asked.add_header("Authorization", f"Bearer {self.token}")
        asked.add_header("Content-Type", kind)
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def run(
        self,
        order: str,
        control: str = "orchestrated",
        cents: int = 1200,
        version: str = "1.0.0",
    ) -> str:
        """Start an order; returns the run's id."""
        given = {"order": order, "customer": "Ada", "sku": "A1", "cents": cents}
        body = {"workflow": "shop/order", "version": version, "control": control, "input": given}
        return self.ask("POST", "/runs", body)["id"]

    def until(self, path: str, is_right: Callable[[Any], bool]) -> Any:
        """Ask again until the answer is right; returns it."""
        end = time.monotonic() + PATIENCE_S
        while not is_right(found := self.ask("GET", path)):
            assert time.monotonic() < end, found
        return found

    def publish(self, type_: str, data: Any) -> None:
        """Publish an event of the world."""
        event = {"specversion": "1.0", "id": os.urandom(8).hex(), "source": "/tests/page"}
        event |= {"type": type_, "datacontenttype": "application/json", "data": data}
        self.ask("POST", "/events", event, "application/cloudevents+json")


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="session")
def _page_is_built():
    if not (BUILT / "index.html").is_file():
        pytest.skip("the page is not built: make ui")


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _page_is_built):
    """The shop, running; one for all tests of a file."""
    folder = tmp_path_factory.mktemp("page") / "shop"
    shutil.copytree(SHOP, folder)
    made = Shop(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chromium():
    """A browser; its pages are the tests' own.

    One for each file: while it is there a loop runs in this thread, which no other file's tests
    could bear.
    """
    named = os.environ.get("BATUTA_BROWSER")
    path = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if path is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=PATIENCE_S * 1_000
        )
        yield made
        made.close()


@pytest.fixture
def context(chromium):
    """A browser of its own, with reduced motion: nothing has to be waited for."""
    made = chromium.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce", locale="en-GB"
    )
    made.set_default_timeout(PATIENCE_S * 1_000)
    yield made
    made.close()


@dataclass
class Viewer:
    """Somebody at the page, signed in; hears what the browser complains about."""

    page: Any
    shop: Shop
    complaints: list[str] = field(default_factory=list)

    def hear(self, kind: str, text: str) -> None:
        """Note what the browser complains about; a refusal of the server is told by the page."""
        if kind == "error" and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def go(self, place: str) -> None:
        """Open a screen by its address."""
        self.page.goto(f"{self.shop.address}#{place}")

    def run_screen(self, run: str, **search: str) -> None:
        """Open a run."""
        query = "&".join(f"{name}={value}" for name, value in search.items())
        self.go(f"/runs/{run}" + (f"?{query}" if query else ""))

    def write(self, label: str, text: str) -> None:
        """Replace what stands in an editor."""
        editor = self.page.get_by_role("textbox", name=label, exact=True)
        editor.click()
        editor.press("ControlOrMeta+a")
        editor.press("Delete")
        self.page.keyboard.insert_text(text)


def viewer_of(context, shop) -> Viewer:
    """Open the page in a context, signed in."""
    made = Viewer(context.new_page(), shop)
    made.page.on("console", lambda said: made.hear(said.type, said.text))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.goto(f"{shop.address}#token={shop.token}")
    expect(made.page.get_by_role("navigation", name="Screens")).to_be_visible()
    return made


@pytest.fixture
def viewer(context, shop):
    """Somebody who looks at the shop's page."""
    return viewer_of(context, shop)


@pytest.fixture
def picture(viewer):
    """Takes a picture of the screen for `docs/page.md`, if BATUTA_PICTURES says so."""

    def take(name: str, theme: str = "light") -> None:
        if not os.environ.get("BATUTA_PICTURES"):
            return
        page = viewer.page
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.mouse.move(640, 799)
        expect(page.locator(".loading")).to_have_count(0)
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{name}.png").write_bytes(small(page.screenshot()))
        page.emulate_media(color_scheme="light", reduced_motion="reduce")

    return take
