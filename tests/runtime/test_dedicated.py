"""A process of its own for an engine: set for it inside the block, and as it was behind it."""

from __future__ import annotations

import gc
import sys

import pytest

from batuta.runtime.shared.driving.dedicated import COLLECT_AT, SWITCH_S, dedicated


def test_a_dedicated_process_collects_less_and_switches_sooner() -> None:
    before, thresholds = sys.getswitchinterval(), gc.get_threshold()
    frozen = gc.get_freeze_count()
    with dedicated():
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold() == (COLLECT_AT, *thresholds[1:])
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert gc.get_freeze_count() == 0
    assert sys.getswitchinterval() == pytest.approx(before)
    assert gc.get_threshold() == thresholds


def test_a_dedicated_process_is_as_before_when_the_block_fails() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError), dedicated():
        raise ZeroDivisionError
    assert gc.get_freeze_count() == 0
    assert sys.getswitchinterval() == pytest.approx(before)
