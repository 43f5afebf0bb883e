"""What holds for every test: hypothesis profiles, and what a skip means.

Elsewhere: markers, warnings as errors and asyncio's automatic mode are settings, so they stand in
`pyproject.toml`; fixtures of one area stand in that area's own conftest.

Two profiles of hypothesis exist. `dev` draws 50 examples anew each run, so that a developer's many
runs search widely; `ci` draws the same ones each time, so that a commit is judged by itself and not
by its luck. `HYPOTHESIS_PROFILE` names another choice. Neither has a deadline: a slow machine
is no failing test.

A test may skip itself where something it needs is not on the machine. In CI everything needed is
there or is a defect of the set-up, so there a skip is a failure (`CI=true` in the environment).
"""

from __future__ import annotations

import os

import hypothesis
import pytest

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

hypothesis.settings.register_profile("dev", max_examples=50, deadline=None)
hypothesis.settings.register_profile(
    "ci", max_examples=50, deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "dev"),
)


def _fail_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that says why; a failure that is expected (xfail) stays one."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: CI lets no test be skipped. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    if IN_CI:
        _fail_instead(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    report = yield
    if IN_CI:
        _fail_instead(report)
    return report
