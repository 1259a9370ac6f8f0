"""Spread over error, rank histograms and coherence of ensembles whose answers are known."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation import (
    coherence,
    effective_resolution,
    energy_spectrum,
    log_spectral_distance,
    rank_histogram,
    spread_skill,
)
from atmodist_core.evaluation.ensembles.kernels import ranks
from atmodist_core.evaluation.ensembles.power_of_grid import falls_below
from tests.evaluation.ensembles.test_proper_scores import ensemble
from tests.evaluation.mock_fields import area, globe


def calibrated(members=6, base=None, noise=2e-5):
    draws = ensemble(globe(64, seed=2, times=3) if base is None else base, members + 1, noise)
    return draws.isel(member=slice(1, None)), draws.isel(member=0)


@pytest.mark.parametrize("by", ["area", "latitude", "wavenumber"])
def test_a_calibrated_ensemble_has_as_much_spread_as_error(by):
    members, truth = calibrated()
    found = spread_skill(members, truth, by=by)
    ratio = found["ratio"]
    # Noise of the sample: 4,096 points, 3 times; per degree, 3 (2 l + 1) independent numbers, so that degrees are averaged.
    part = ratio.sel(total_wavenumber=slice(12, 30)).mean("total_wavenumber") if by == "wavenumber" else ratio
    assert np.abs(part - 1).max() < 0.04
    if by == "area":
        np.testing.assert_allclose(found["spread"], 2e-5 * np.sqrt(7 / 6), rtol=0.03)


def test_spread_and_error_per_wavenumber_sum_to_those_over_the_area():
    truth = globe(48, truncation=20, seed=4)
    members = xr.concat([globe(48, truncation=20, seed=seed) for seed in range(5, 9)], "member")
    area_mean, degrees = (spread_skill(members, truth, by=by) for by in ("area", "wavenumber"))
    for name in ("spread", "error"):
        total = np.sqrt(np.square(degrees[name]).sum("total_wavenumber"))
        # Quadrature weights against the area of cells.
        np.testing.assert_allclose(total, area_mean[name], rtol=5e-3)


def test_half_the_noise_is_half_the_spread():
    base = area(80, 120)
    truth = ensemble(base, 1, 2e-5, seed=8).isel(member=0)
    found = spread_skill(ensemble(base, 20, 1e-5), truth)["ratio"]
    # Error: noise of the truth and, a twentieth of its variance, of the mean.
    np.testing.assert_allclose(found, np.sqrt(1.05 / (4 + 1 / 20)), rtol=0.02)


@pytest.mark.parametrize("by", ["area", "latitude"])
def test_a_calibrated_ensemble_has_flat_ranks(by):
    members, truth = calibrated(4)
    found = rank_histogram(members, truth, by=by)
    np.testing.assert_allclose(found["share"].sum("rank"), 1, rtol=1e-6)
    assert float(found["deviation"].max()) < 0.2
    narrow = rank_histogram(0.5 * (members + members.mean("member")), truth, by=by)["share"]
    assert (narrow.isel(rank=0) > 1.2 / 5).all() and (narrow.isel(rank=2) < 1 / 5).all()


def test_a_bias_tilts_the_ranks_and_ties_are_broken_evenly():
    members, truth = calibrated(4)
    share = rank_histogram(members + 2e-5, truth)["share"]
    assert (share.isel(rank=0) > 2 * share.isel(rank=4)).all()
    zeros = np.zeros((3, 100_000))
    found = np.bincount(ranks(zeros, zeros[0], np.random.default_rng(0)), minlength=4)
    np.testing.assert_allclose(found / found.sum(), 0.25, atol=0.01)


def test_ranks_are_those_of_sorting():
    random = np.random.default_rng(1)
    members, truth = random.standard_normal((7, 50)), random.standard_normal(50)
    expected = [np.searchsorted(np.sort(members[:, n]), truth[n]) for n in range(50)]
    np.testing.assert_array_equal(ranks(members, truth, random), expected)


@pytest.mark.parametrize("where", ["globe", "area"])
def test_coherence_is_one_for_equal_fields_whatever_their_amplitude_and_zero_for_unrelated_ones(where):
    make = globe if where == "globe" else area
    truth, other = make(64, times=4, seed=1), make(64, times=4, seed=2)
    axis = "total_wavenumber" if where == "globe" else "wavelength_km"
    there = {axis: slice(1, 30)}  # degree 0 and those above the truncation have no power
    np.testing.assert_allclose(coherence(3 * truth, truth)["coherence"].isel(there), 1, atol=1e-5)
    np.testing.assert_allclose(coherence(-truth, truth)["coherence"].isel(there), -1, atol=1e-5)
    unrelated = coherence(other, truth)["coherence"].isel({axis: slice(10, None)})
    assert np.abs(unrelated).max() < 0.25


def test_coherence_of_a_field_with_noise_of_known_power():
    truth, noise = globe(64, times=4, seed=1), globe(64, times=4, seed=2)
    found = coherence(truth + noise, truth)["coherence"].sel(total_wavenumber=slice(15, 31))
    # Equal power of signal and noise: 1 / sqrt(2); each degree has some 4 (2 l + 1) independent numbers.
    np.testing.assert_allclose(found, np.sqrt(0.5), atol=0.15)
    np.testing.assert_allclose(found.mean("total_wavenumber"), np.sqrt(0.5), atol=0.02)


def test_the_effective_resolution_is_where_the_coherence_is_lost():
    truth, other = globe(64, times=2, seed=1), globe(64, times=2, seed=5)
    from atmodist_core.harmonics.global_transform import truncated

    mixed = truncated(truth, 14) + (other - truncated(other, 14))
    found = effective_resolution(mixed.assign_coords(truth.coords), truth)
    wavelength = energy_spectrum(truth)["wavelength_km"].values
    assert (found <= wavelength[14]).all() and (found >= wavelength[15]).all()
    assert found.attrs["units"] == "km"
    whole = effective_resolution(truth, truth)
    np.testing.assert_allclose(whole, wavelength[31])


def test_a_curve_that_starts_below_the_threshold_has_no_resolution():
    wavelength = np.array([400.0, 200.0, 100.0])
    assert np.isnan(falls_below(np.array([0.4, 0.9, 0.3]), wavelength, 0.5))
    assert np.isnan(falls_below(np.full(3, np.nan), wavelength, 0.5))
    assert falls_below(np.array([np.nan, 0.9, 0.8]), wavelength, 0.5) == 100


@pytest.mark.parametrize("make", [globe, area])
def test_ten_times_the_power_is_ten_decibels(make):
    truth = make(48, times=2)
    found = log_spectral_distance(np.float32(np.sqrt(10)) * truth, truth)
    np.testing.assert_allclose(found, 10, rtol=1e-4)
    assert found.attrs["units"] == "dB"
    np.testing.assert_allclose(log_spectral_distance(truth, truth), 0, atol=1e-9)


def test_single_fields_have_no_spread():
    truth = area()
    for function in (spread_skill, rank_histogram):
        with pytest.raises(UserError, match="two or more members"):
            function(truth, truth)
    with pytest.raises(UserError, match="among area, latitude"):
        rank_histogram(xr.concat([truth, truth], "member"), truth, by="wavenumber")
    with pytest.raises(UserError, match="ascend from 0 to 90"):
        spread_skill(xr.concat([truth, truth], "member"), truth, by="latitude", latitude_edges=(0, 40))
