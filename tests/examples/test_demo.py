"""The demo as a user runs it: it ends with a page that has the runs of both models on it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "retail" / "demo.py"


@pytest.mark.slow
def test_the_demo_ends_with_the_page_of_its_runs():
    done = subprocess.run(
        [sys.executable, str(DEMO), "--orders", "8", "--page", "2"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical: 4 times 8 orders" in done.stdout
    pid = int(re.search(r"kill (\d+)", done.stdout)[1])
    try:
        address, token = re.search(r"(http://\S+)/#token=(\S+)", done.stdout).groups()
        with httpx2.Client(headers={"Authorization": f"Bearer {token}"}) as client:
            found = client.get(f"{address}/api/v1/runs", params={"limit": 100}).json()["items"]
            controls = {one["id"]: one["control"] for one in found}
            assert sorted(controls.values()) == ["choreographed"] * 8 + ["orchestrated"] * 8
            assert {one["status"] for one in found} == {"completed"}
            both = [f"{prefix}order-005" for prefix in ("", "c-")]
            tasks = [client.get(f"{address}/api/v1/runs/{one}/tasks").json() for one in both]
            first, second = ([one["reference"] for one in told["items"]] for told in tasks)
            assert first == second
    finally:
        os.kill(pid, signal.SIGTERM)
