"""The retail example's own modules, and its systems as real processes."""

import sys
from pathlib import Path

import httpx2
import pytest

RETAIL = Path(__file__).parents[2] / "examples" / "retail"
sys.path.insert(0, str(RETAIL))

import landscape  # noqa: E402 -- found only once the example's folder is on the path


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """The base addresses of the four systems, running for one module of tests."""
    with landscape.running_systems(tmp_path_factory.mktemp("retail")) as addresses:
        yield addresses


@pytest.fixture
def http():
    with httpx2.Client(timeout=10) as client:
        yield client
