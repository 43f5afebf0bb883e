"""The simulation finds bugs: each of these is planted, and found within some seeds."""

from __future__ import annotations

import pytest

from batuta.testing.simulation import Found, compare, shrink

from .planted import BUGS, a_join_counts_a_branch_twice

MOST = 300
"""Seeds within which each has to be found."""


OUT_OF_STEP = ("AttributeError", "NameError", "TypeError", "ImportError")
"""What a plant breaks with when the code has changed under it: that shows nothing."""


def first_found():
    for seed in range(MOST):
        found = compare(seed)
        if isinstance(found, Found):
            assert not any(f": {one}: " in f": {found.what}" for one in OUT_OF_STEP), found.what
            return found
    return None


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug, monkeypatch):
    bug(monkeypatch)
    assert first_found() is not None, f"{MOST} seeds do not show that {bug.__name__}"


def test_a_finding_becomes_small_and_says_how_to_find_it_again(monkeypatch):
    a_join_counts_a_branch_twice(monkeypatch)
    found = first_found()
    small = shrink(found, tries=30)
    assert small.is_like(found)
    assert len(small.kinds) <= len(found.kinds)
    assert len(small.faults) <= len(found.faults)
    assert len(str(small.given)) < len(str(found.given))
    assert f"make sim SEED={found.seed}" in str(small)
