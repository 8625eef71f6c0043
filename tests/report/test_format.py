"""Numbers as people read them."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vostool.report.format import coverage, is_blank, percent, rate, scores_of, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (1.0, "100.0"),
        (0.54687, "54.7"),
        (0.54642, "54.6"),
        (-0.046, "-4.6"),
        (np.float64(0.5), "50.0"),
        (1, "100.0"),
        (math.nan, ""),
        (np.float64("nan"), ""),
        (None, ""),
        ("", ""),
    ],
)
def test_percent(value: Any, text: str) -> None:
    assert percent(value) == text


def test_a_decay_that_rounds_to_nothing_has_no_sign() -> None:
    assert percent(-0.0001) == "0.0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (1.234, "1.23"),
        (9.99, "9.99"),
        (9.996, "10.0"),
        (25.34, "25.3"),
        (99.94, "99.9"),
        (99.96, "100"),
        (123.4, "123"),
        (1234.6, "1235"),
        (math.nan, ""),
        (None, ""),
    ],
)
def test_rate(value: Any, text: str) -> None:
    assert rate(value) == text


@pytest.mark.parametrize(
    ("sequences", "official", "text"), [(20, 20, "20"), (6, 20, "6 of 20"), (3, 0, "3")]
)
def test_coverage(sequences: int, official: int, text: str) -> None:
    assert coverage(sequences, official) == text


@pytest.mark.parametrize("value", [None, "", math.nan, np.nan, np.float64("nan")])
def test_blank(value: Any) -> None:
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, 0.0, False, "0", "nan"])
def test_not_blank(value: Any) -> None:
    assert not is_blank(value)


def test_g_leads_only_where_it_is_known() -> None:
    plain = pd.DataFrame({"JF_mean": [0.5, 0.6], "G": [float("nan")] * 2})
    assert scores_of(plain)[0] == ("JF_mean", "J&F")
    assert scores_of(plain.drop(columns="G"))[0] == ("JF_mean", "J&F")
    assert scores_of(plain.assign(G=[0.4, 0.3]))[0] == ("G", "G")


def test_intervals_in_percent() -> None:
    assert span(0.6123, 0.7789) == "61.2..77.9"
    assert span(float("nan"), float("nan")) == ""
