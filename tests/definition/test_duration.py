"""Durations, as documents write them and as expressions yield them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batuta.definition.duration import LONGEST_MS, DurationError, to_milliseconds
from batuta.errors import RequestError


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("PT0S", 0),
        ("PT1S", 1_000),
        (" PT1M30S ", 90_000),
        ("P1DT2H3M4.005S", 93_784_005),
        ("P2W", 1_209_600_000),
        ("P0Y0M1D", 86_400_000),
        ("PT0.5H", 1_800_000),
        ("PT1,5S", 1_500),
        ("PT0.0005S", 0),
        ("PT0.0015S", 2),
        ({"seconds": 1}, 1_000),
        ({"days": 1, "hours": 1, "minutes": 1, "seconds": 1, "milliseconds": 1}, 90_061_001),
        ({"seconds": 0.25}, 250),
        ({"hours": 1.0}, 3_600_000),
        ("P36500D", LONGEST_MS),
    ],
)
def test_a_duration_is_a_number_of_milliseconds(value, milliseconds):
    assert to_milliseconds(value) == milliseconds


@pytest.mark.parametrize(
    "value",
    [
        "", "P", "PT", "1S", "PT1", "P1S", "PT1H1D", "-PT1S", "PT-1S", "P1Y", "P1M", "P1Y2M",
        "PT1S\nx", "P36501D", "PT" + "9" * 20 + "S", "PT\u0661S",
        {}, {"weeks": 1}, {"seconds": "1"}, {"seconds": True}, {"seconds": -1},
        {"seconds": float("nan")}, {"seconds": float("inf")}, {"days": 1e300},
        5, 1.5, None, True, [],
    ],
)  # fmt: skip
def test_what_has_no_length_is_refused(value):
    with pytest.raises(DurationError) as refused:
        to_milliseconds(value)
    assert isinstance(refused.value, RequestError)
    assert refused.value.code == "duration"


def test_a_month_is_refused_with_what_to_write_instead():
    with pytest.raises(DurationError) as refused:
        to_milliseconds("P1M")
    assert "P30D" in refused.value.hint


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["days", "hours", "minutes", "seconds"]), st.integers(0, 9), min_size=1
    )
)
def test_objects_and_iso_texts_agree(value):
    days, hours, minutes, seconds = (
        value.get(u, 0) for u in ("days", "hours", "minutes", "seconds")
    )
    assert to_milliseconds(value) == to_milliseconds(f"P{days}DT{hours}H{minutes}M{seconds}S")


@settings(max_examples=60, deadline=None)
@given(
    st.text("PTYMWDHS0123456789.,- ")
    | st.recursive(
        st.none() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_value_is_a_duration_or_refused(value):
    length = None
    with contextlib.suppress(DurationError):
        length = to_milliseconds(value)
    assert length is None or 0 <= length <= LONGEST_MS
