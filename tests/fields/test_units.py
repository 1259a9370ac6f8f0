"""Units: the spellings of the world, and the refusal of everything else."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.units import (
    check_largest_magnitude,
    check_magnitude_without_units,
    check_units,
    factor_to_stored_units,
)


@pytest.mark.parametrize(
    "units",
    ["s**-1", "s^-1", "s-1", "1/s", "/s", "S-1", "second-1", "1 s-1", "per second", "Hz", "s**(-1)", " s-1 "],
)
def test_rates_as_they_are(units):
    assert factor_to_stored_units(units, "rate") == 1.0


@pytest.mark.parametrize(
    "units",
    [
        "1e-5 s-1",
        "1e-5 s**-1",
        "1.E-5/s",
        "10-5 s-1",
        "10^-5 s-1",
        "10**-5 s**-1",
        "1e-5 1/s",
        "10^(-5) s-1",
        "0.00001 s-1",
    ],
)
def test_rates_in_units_of_1e_5(units):
    assert factor_to_stored_units(units, "rate") == pytest.approx(1e-5)


def test_other_rates():
    assert factor_to_stored_units("day-1", "rate") == pytest.approx(1 / 86400)
    assert factor_to_stored_units("h**-1", "rate") == pytest.approx(1 / 3600)


@pytest.mark.parametrize(
    "units",
    [
        "m s**-1",
        "m s-1",
        "m/s",
        "m s^-1",
        "meter second-1",
        "m*s-1",
        "m.s-1",
        "metres per second",
        "mps",
        "M S-1",
    ],
)
def test_winds_as_they_are(units):
    assert factor_to_stored_units(units, "wind") == 1.0


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ("knots", 0.514444),
        ("kt", 0.514444),
        ("km h-1", 1 / 3.6),
        ("km/h", 1 / 3.6),
        ("kph", 1 / 3.6),
        ("cm s-1", 0.01),
        ("mph", 0.44704),
        ("miles/h", 0.44704),
        ("0.1 m s-1", 0.1),
        ("km day-1", 1000 / 86400),
    ],
)
def test_other_winds(units, factor):
    assert factor_to_stored_units(units, "wind") == pytest.approx(factor, rel=1e-5)


@pytest.mark.parametrize(
    "units", ["K", "", "1", "m", "s-1", "m2 s-1", "m s-2", "Pa s-1", "unknown", "e-5", "~"]
)
def test_not_a_wind(units):
    assert factor_to_stored_units(units, "wind") is None


@pytest.mark.parametrize("units", ["K", "", "1", "1e-5", "s", "s-2", "m s-1", "rad", "unknown"])
def test_not_a_rate(units):
    assert factor_to_stored_units(units, "rate") is None


def test_conversion_is_noted():
    assert check_units("m s-1", "wind", "u") == (1.0, None)
    factor, note = check_units("knots", "wind", "u")
    assert factor == pytest.approx(0.514444, rel=1e-5)
    assert note == "Variable 'u' was converted from knots to m s-1."


def test_refusal_names_the_attribute():
    with pytest.raises(
        UserError, match=r"Attribute 'units' of variable 'vo' is 'K', but s-1 .* correct the attribute"
    ):
        check_units("K", "rate", "vo")


def test_magnitude_without_units(rng):
    assert "s-1 was assumed" in check_magnitude_without_units(rng.normal(0, 3e-5, 1000), "rate", "vo")
    assert "m s-1 was assumed" in check_magnitude_without_units(rng.normal(5, 8, 1000), "wind", "u")
    values = rng.normal(5, 8, 1000)
    values[:100] = np.nan
    assert "m s-1 was assumed" in check_magnitude_without_units(values, "wind", "u")


@pytest.mark.parametrize(
    ("kind", "spread"), [("rate", 3.0), ("rate", 1e-12), ("wind", 900.0), ("wind", 1e-5)]
)
def test_magnitude_that_does_not_fit(kind, spread, rng):
    with pytest.raises(UserError, match="has no attribute 'units' and its values"):
        check_magnitude_without_units(rng.normal(0, spread, 1000), kind, "x")


def test_no_values_to_check_the_magnitude():
    with pytest.raises(UserError, match="standard deviation nan"):
        check_magnitude_without_units(np.full(10, np.nan), "wind", "u")


def test_largest_magnitude():
    check_largest_magnitude(120.0, "wind", "u")
    with pytest.raises(UserError, match=r"Variable 'vo' reaches 5 s-1, where less than 1 was expected"):
        check_largest_magnitude(5.0, "rate", "vo")
