"""The rules of `tests/conftest.py`, tried on small test files of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RULES = Path(__file__).with_name("conftest.py")

SKIPS = """
import pytest

def test_needs_a_server():
    pytest.skip("no server here")

@pytest.mark.skip(reason="not on this machine")
def test_is_marked():
    pass

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail():
    assert False

def test_passes():
    pass
"""

MODULE_SKIPS = """
import pytest

pytest.importorskip("a_driver_that_nobody_has")

def test_talks_to_it():
    pass
"""


@pytest.fixture
def run_tests(tmp_path):
    """Run test files under the project's conftest in a fresh process; gives its printed summary."""

    def run(*contents: str, ci: bool) -> subprocess.CompletedProcess[str]:
        (tmp_path / "conftest.py").write_bytes(RULES.read_bytes())
        for number, content in enumerate(contents):
            (tmp_path / f"test_{number}.py").write_text(content)
        environment = {
            name: text
            for name, text in os.environ.items()
            # These small runs are not what coverage or xdist look at.
            if name != "CI" and not name.startswith(("COVERAGE_", "COV_", "PYTEST_"))
        }
        environment |= {"CI": "true"} if ci else {}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"]
        return subprocess.run(
            [*command, "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_developer_may_skip_what_the_machine_lacks(run_tests):
    done = run_tests(SKIPS, MODULE_SKIPS, ci=False)

    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 skipped, 1 xfailed" in done.stdout


def test_ci_fails_a_test_that_skips_itself(run_tests):
    done = run_tests(SKIPS, ci=True)

    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in done.stdout
    assert "CI lets no test be skipped. Skipped: no server here" in done.stdout


def test_ci_fails_a_module_that_skips_itself(run_tests):
    done = run_tests(MODULE_SKIPS, ci=True)

    assert done.returncode == 2
    assert "CI lets no test be skipped" in done.stdout
    assert "a_driver_that_nobody_has" in done.stdout
