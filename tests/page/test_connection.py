"""A page whose connection is lost, or whose server goes away, says so and misses nothing."""

import socket
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from .conftest import viewer_of

pytestmark = pytest.mark.browser

AWAY = "The server does not answer"


class Line:
    """What lies between a browser and its server: cut, mended, or dead without a word."""

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.state = "whole"
        self.lock = threading.Lock()
        self.ends = []
        self.waiting = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        with suppress(OSError):
            while True:
                browser, _ = self.listening.accept()
                with self.lock:
                    if self.state == "whole":
                        self._join(browser)
                    elif self.state == "silent":
                        self.waiting.append(browser)
                    else:
                        browser.close()

    def _join(self, browser):
        try:
            server = socket.create_connection(self.server)
        except OSError:
            browser.close()
            return
        self.ends += [browser, server]
        for pair in ((browser, server), (server, browser)):
            threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source, target):
        with suppress(OSError):
            while piece := source.recv(65_536):
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def lose(self, state):
        """End all connections; new ones are refused (`cut`), or taken and kept (`silent`)."""
        with self.lock:
            self.state = state
            for end in self.ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self.ends.clear()

    def mend(self):
        """Carry everything again, with what has waited first."""
        with self.lock:
            self.state = "whole"
            for browser in self.waiting:
                self._join(browser)
            self.waiting.clear()

    def close(self):
        """End all."""
        self.lose("cut")
        self.listening.close()


@pytest.fixture
def line(shop):
    """A line to the shop."""
    made = Line(shop.port)
    yield made
    made.close()


@pytest.fixture
def far(context, shop, line):
    """Somebody who looks at the shop over the line."""
    return viewer_of(context, replace(shop, port=line.port))


def test_a_page_open_during_a_restart_says_so_and_recovers(viewer, shop):
    shop.run("before-restart")
    viewer.go("/runs")
    expect(viewer.page.get_by_role("table", name="Runs")).to_contain_text("before-restart")
    shop.stop()
    expect(viewer.page.get_by_text(AWAY)).to_be_visible()
    expect(viewer.page.get_by_text("What is shown is as of")).to_be_visible()
    shop.start()
    expect(viewer.page.get_by_text(AWAY)).to_have_count(0)
    run = shop.run("after-restart")

    expect(viewer.page.get_by_role("link", name=run)).to_be_visible()


def test_two_pages_see_the_same_without_asking(viewer, chromium, shop):
    run = shop.run("two-pages", cents=90_000)
    other = chromium.new_context()
    second = viewer_of(other, shop)
    viewer.run_screen(run)
    second.run_screen(run)
    viewer.page.get_by_role("button", name="Suspend").click()

    expect(second.page.locator(".head:visible")).to_contain_text("suspended")
    other.close()


def test_a_run_that_goes_on_during_a_restart_is_shown_to_its_end(viewer, shop):
    run = shop.run("through-restart", cents=90_000)
    viewer.run_screen(run)
    expect(viewer.page.locator(".head:visible")).to_contain_text("waiting")
    shop.stop()
    expect(viewer.page.get_by_text(AWAY)).to_be_visible()
    shop.start()
    shop.publish("com.shop.order.approved.v1", {"order": "through-restart"})

    expect(viewer.page.locator(".head:visible")).to_contain_text("completed")
    expect(viewer.page.get_by_text(AWAY)).to_have_count(0)


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
def test_a_stream_that_breaks_is_resumed_behind_what_was_seen(far, shop, line, control):
    order = f"broken-line-{control}"
    run = shop.run(order, control, cents=90_000)
    far.run_screen(run)
    expect(far.page.locator(".head:visible")).to_contain_text("waiting")
    expect(far.page.locator(".pulse")).to_contain_text("Live")
    shop.ask("POST", f"/runs/{run}/suspend")
    expect(far.page.locator(".head:visible")).to_contain_text("suspended")
    with far.page.expect_request(
        lambda asked: "/stream" in asked.url and "last-event-id" in asked.headers
    ):
        line.lose("silent")
    shop.ask("POST", f"/runs/{run}/resume")
    shop.publish("com.shop.order.approved.v1", {"order": order})
    shop.until(f"/runs/{run}", lambda found: found["status"] == "completed")
    line.mend()

    expect(far.page.locator(".head:visible")).to_contain_text("completed")
    expect(far.page.locator(".gantt-name", has_text="tell")).to_be_visible()


def test_what_happens_while_the_line_is_cut_is_shown_when_it_is_back(far, shop, line):
    far.go("/runs?q=cut-")
    expect(far.page.get_by_text("No run fits")).to_be_visible()
    line.lose("cut")
    expect(far.page.get_by_text(AWAY)).to_be_visible()
    runs = [shop.run(f"cut-{number}") for number in range(3)]
    line.mend()

    for run in runs:
        expect(far.page.get_by_role("link", name=run)).to_be_visible()
    expect(far.page.get_by_text(AWAY)).to_have_count(0)
