"""Numbers as they are written: digits, exponents, intervals."""

import pytest

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.wording import (
    count,
    estimate_text,
    joined,
    number,
    percent,
    things,
    units_text,
)

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (12.345, "12.3"),
        (150.0, "150"),
        (17536.0, "17536"),
        (0.0123, "0.0123"),
        (-1.5e-4, "−1.50 × 10⁻⁴"),
        (1.2e7, "1.20 × 10⁷"),
        (NAN, "–"),
        (INF, "∞"),
        (-INF, "−∞"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("estimate", "units", "text"),
    [
        (Estimate(0.482, 0.469, 0.494), "1", "0.482 [0.469, 0.494]"),
        (Estimate(-1.51e-4, -1.56e-4, -1.47e-4), "s-1", "−1.51 [−1.56, −1.47] × 10⁻⁴ s⁻¹"),
        # The exponent is that of the value, whatever the ends are.
        (Estimate(9.8e-5, 9.5e-5, 1.01e-4), "1", "9.80 [9.50, 10.10] × 10⁻⁵"),
        (Estimate(2.0, 0.5, INF), "1", "2.00 [0.50, ∞]"),
        (Estimate(0.0, 0.0, 0.0), "s-1", "0 [0, 0] s⁻¹"),
        # A narrow interval is not rounded away.
        (Estimate(0.9996, 0.9994, 0.9998), "1", "0.9996 [0.9994, 0.9998]"),
        (Estimate(7.9, NAN, NAN), "h", "7.90 h"),
        (Estimate(NAN, NAN, NAN), "h", "–"),
    ],
)
def test_estimate(estimate, units, text):
    assert estimate_text(estimate, units) == text


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.48, 0.46, 0.50), "48 % [46, 50]"),
        (Estimate(0.0844, 0.0817, 0.0871), "8.4 % [8.2, 8.7]"),
        (Estimate(0.9621, 0.9617, 0.9626), "96.21 % [96.17, 96.26]"),
        (Estimate(0.5, NAN, NAN), "50 %"),
        (Estimate(NAN, NAN, NAN), "– %"),
    ],
)
def test_percent(estimate, text):
    assert percent(estimate) == text


def test_words():
    assert joined([]) == "" and joined(["a"]) == "a" and joined(["a", "b"]) == "a and b"
    assert count(17536) == "17,536" and things(1, "city", "cities") == "1 city"
    assert units_text("kg m-2 s-1") == "kg m⁻² s⁻¹" and units_text("dB") == "dB"
