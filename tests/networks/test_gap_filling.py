"""Filling gaps: what stays, what is filled, seams, members, and what is refused."""

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.models.card import read_card
from atmodist_core.models.store import load_network
from atmodist_core.networks.gap_network import GapNetwork, GapNetworkConfig
from tests.networks.mock_models import TINY_GAPS, fields, saved_downscaler, saved_gap_filler

GLOBE = (np.arange(88.75, -90, -2.5), np.arange(0, 360, 2.5))
AREA = (np.arange(60.0, 0.0, -2.5), np.arange(10.0, 90.0, 2.5))
pytestmark = pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return saved_gap_filler(tmp_path_factory.mktemp("gaps") / "tiny-gaps")


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    config = GapNetworkConfig(filters=4, dilations=(1, 2), noise_channels=2)
    return saved_gap_filler(tmp_path_factory.mktemp("gaps") / "tiny-gaps", config)


def holes(truth, *, both=True):
    """Gaps across the seam, at a pole, and at one time alone."""
    result = truth.copy(deep=True)
    for name in ("vorticity", "divergence")[: 2 if both else 1]:
        result[name][:, 20:30, -6:] = np.nan
        result[name][:, 20:30, :5] = np.nan
        result[name][:, :4] = np.nan
        result[name][0, 50:55, 60:70] = np.nan
    return result


@pytest.mark.parametrize("name", ["model", "harmonic", "nearest"])
def test_fields_without_gaps_come_back_with_the_same_bytes(name, model):
    truth = fields(*GLOBE, times=2).transpose("latitude", "time", "longitude")
    result = ad.fill_gaps(truth, model if name == "model" else name)
    for field in ("vorticity", "divergence"):
        assert result[field].dims == truth[field].dims and result[field].dtype == truth[field].dtype
        assert result[field].values.tobytes() == truth[field].values.tobytes()
        assert result[field].attrs == truth[field].attrs
    assert not result["filled"].any() and "no gaps" in result.attrs["notes"]


@pytest.mark.parametrize("name", ["model", "harmonic", "nearest"])
def test_given_values_stay_and_the_rest_is_filled(name, model):
    truth = fields(*GLOBE, times=2)
    gaps = holes(truth)
    before = gaps.copy(deep=True)
    result = ad.fill_gaps(gaps, model if name == "model" else name)
    xr.testing.assert_identical(gaps, before)
    missing = gaps["vorticity"].isnull()
    for field in ("vorticity", "divergence"):
        assert bool(np.isfinite(result[field]).all())
        assert np.array_equal(result[field].values[~missing.values], truth[field].values[~missing.values])
    assert np.array_equal(result["filled"].values == 1, missing.values) and result["filled"].dtype == np.int8
    assert result["filled"].attrs["flag_meanings"] == "given filled"
    assert result.attrs["gaps_filled_by"] == ("tiny-gaps" if name == "model" else name)
    assert f"{int(missing.sum())} missing points" in result.attrs["notes"]


def test_of_a_point_that_lacks_one_field_the_other_is_kept(model):
    truth = fields(*GLOBE)
    result = ad.fill_gaps(holes(truth, both=False), model)
    assert np.array_equal(result["divergence"], truth["divergence"])
    assert bool(np.isfinite(result["vorticity"]).all()) and bool(result["filled"].any())


def test_double_precision_infinity_and_a_single_time(model):
    truth = fields(*GLOBE).isel(time=0).astype(np.float64)
    gaps = truth.copy(deep=True)
    gaps["vorticity"][30, 40] = np.inf
    result = ad.fill_gaps(gaps, model)
    assert result["vorticity"].dtype == np.float64 and "time" not in result["filled"].dims
    assert int(result["filled"].sum()) == 1 and np.isfinite(result["vorticity"].values[30, 40])
    changed = result["vorticity"].values != truth["vorticity"].values
    assert changed.sum() == 1


@pytest.mark.parametrize("tile", [7, 32])
def test_tiles_and_the_seam_change_nothing(model, ensemble, tile):
    gaps = holes(fields(*GLOBE))
    for path in (model, ensemble):
        whole = ad.load_gap_filler(path)(gaps)
        tiled = ad.load_gap_filler(path, tile=tile)(gaps)
        turned = gaps.roll(longitude=50, roll_coords=True).assign_coords(longitude=GLOBE[1])
        turned = ad.load_gap_filler(path)(turned).roll(longitude=-50)
        for field in ("vorticity", "divergence"):
            scale = float(gaps[field].std())
            np.testing.assert_allclose(tiled[field], whole[field], atol=1e-4 * scale)
            if path == model:  # noise belongs to places
                np.testing.assert_allclose(turned[field].values, whole[field].values, atol=1e-4 * scale)


FILTERED = GapNetworkConfig(filters=4, dilations=(1, 2), filter_cutoff=0.55)


@pytest.mark.parametrize("config", [TINY_GAPS, FILTERED])
def test_the_receptive_radius_is_what_an_input_point_reaches(config):
    torch.manual_seed(1)
    network = GapNetwork(config)
    size = 2 * config.receptive_radius + 9
    values = torch.randn(1, 2, size, size)
    missing = torch.ones(1, 1, size, size, dtype=torch.bool)
    centre = size // 2
    missing[..., centre, centre] = False
    other = values.clone()
    other[..., centre, centre] += 1
    changed = (network(other, missing) - network(values, missing)).detach()[0].abs().amax(dim=0) > 0
    rows = torch.nonzero(changed.any(dim=1)).flatten() - centre
    assert (int(rows.min()), int(rows.max())) == (-config.receptive_radius, config.receptive_radius)


def test_the_filter_leaves_no_small_scales_and_joins_the_edges(tmp_path):
    """A filling that follows noise loses its grid-scale part; the step between it and a constant field shrinks."""
    torch.manual_seed(2)
    config = dataclasses.replace(FILTERED, noise_channels=1)
    network, plain = GapNetwork(config), GapNetwork(dataclasses.replace(config, filter_cutoff=0.0))
    plain.load_state_dict(network.state_dict())
    values, noise = torch.ones(1, 2, 64, 64), torch.randn(1, 1, 64, 64)
    missing = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    missing[..., :, 10:54] = True
    with torch.no_grad():
        before, after = (each(values, missing, noise)[0, 0].double().numpy() for each in (plain, network))
    power = [np.abs(np.fft.rfft(field[:, 26:38], axis=0)) ** 2 for field in (before, after)]
    small, large = (power[1][part].sum() / power[0][part].sum() for part in (slice(24, 33), slice(2, 10)))
    assert small < 0.03 and large > 0.5  # beyond .75 of the Nyquist wavenumber, and well below .55
    steps = [np.square(field[:, 10] - field[:, 9]).mean() for field in (before, after)]
    assert steps[1] < 0.8 * steps[0]
    model = saved_gap_filler(tmp_path / "tiny-gaps", FILTERED)
    gaps = holes(fields(*GLOBE))
    whole, tiled = ad.load_gap_filler(model)(gaps), ad.load_gap_filler(model, tile=20)(gaps)
    scale = float(gaps["vorticity"].std())
    np.testing.assert_allclose(tiled["vorticity"], whole["vorticity"], atol=1e-4 * scale)
    with pytest.raises(UserError, match="filter_cutoff of GapNetworkConfig from 0 to below 1"):
        GapNetworkConfig(filter_cutoff=1.0)


def test_what_lies_in_the_gaps_does_not_matter():
    network = GapNetwork(TINY_GAPS)
    values, missing = torch.randn(1, 2, 16, 16), torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    missing[..., 4:9, 5:12] = True
    broken = torch.where(missing, torch.nan, values)
    assert torch.equal(network(values, missing), network(broken, missing))


def test_members_are_reproducible_and_differ_in_gaps_alone(ensemble):
    gaps = holes(fields(*GLOBE))
    first = ad.fill_gaps(gaps, ensemble, members=3, seed=4)
    assert first["vorticity"].dims == ("member", "time", "latitude", "longitude")
    assert first.attrs["gap_filling_seed"] == 4 and "member" not in first["filled"].dims
    xr.testing.assert_identical(first, ad.fill_gaps(gaps, ensemble, members=3, seed=4))
    spread = (first["vorticity"].max("member") - first["vorticity"].min("member")).values
    assert (spread[first["filled"].values == 1] > 0).mean() > 0.99
    assert not spread[first["filled"].values == 0].any()
    assert np.array_equal(
        ad.fill_gaps(gaps, ensemble, seed=4)["vorticity"], first["vorticity"].isel(member=0)
    )
    assert not np.array_equal(ad.fill_gaps(gaps, ensemble)["vorticity"], first["vorticity"].isel(member=0))


def test_only_points_near_values(model):
    gaps = fields(*AREA)
    for name in gaps.data_vars:
        gaps[name][:, :, 10:] = np.nan
    result = ad.fill_gaps(gaps, model, within=3)
    assert np.isfinite(result["vorticity"]).all("latitude").values[0].tolist() == [True] * 13 + [False] * 19
    assert result["filled"].isel(time=0, latitude=0).values.tolist() == [0] * 10 + [1] * 3 + [0] * 19


def test_wind_with_gaps(model):
    latitude, longitude = AREA
    u = 10 * np.cos(np.deg2rad(latitude))[:, None] * np.ones(longitude.size)
    u[8:12, 9:14] = np.nan
    axes = ("latitude", "longitude")
    wind = xr.Dataset(
        {"u": (axes, u, {"units": "m s-1"}), "v": (axes, 0 * u, {"units": "m s-1"})},
        {"latitude": latitude, "longitude": longitude},
    )
    result = ad.fill_gaps(wind, model)
    assert {"vorticity", "divergence", "filled"} == set(result.data_vars)
    assert bool(np.isfinite(result["vorticity"]).all()) and int(result["filled"].sum()) >= 20
    assert "derived from the wind" in result.attrs["notes"]


def test_wide_gaps_are_told(tmp_path):
    model = saved_gap_filler(tmp_path / "tiny-gaps", schedule={"patch_size": 8})
    gaps = fields(*AREA)
    for name in gaps.data_vars:
        gaps[name][:, :, 20:] = np.nan
    with pytest.warns(
        AtmodistWarning, match="reach 12 points from the nearest value; tiny-gaps was trained on"
    ):
        ad.fill_gaps(gaps, model)


def test_saved_and_loaded(model):
    card = read_card(model)
    assert card.kind == "gap filler" and card.architecture == {"gap_network": TINY_GAPS.to_dict()}
    assert isinstance(load_network(model)[1], GapNetwork) and card.parameters > 100
    assert "GapFiller('tiny-gaps'" in repr(ad.load_gap_filler(model))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"members": 2}, "Expected an ensemble model for members, found 'tiny-gaps'"),
        ({"seed": -1}, "Expected a seed of 0 or more, found -1"),
        ({"within": 0}, "Expected within of 1 point or more, found 0"),
        ({"model": "gap-mse"}, "Expected the name of a model"),
    ],
)
def test_wrong_numbers_are_refused(change, words, model):
    with pytest.raises(UserError, match=words) as error:
        ad.fill_gaps(holes(fields(*GLOBE)), **({"model": model} | change))
    assert "\n" not in str(error.value)


def test_wrong_input_is_refused(model, ensemble, tmp_path):
    with pytest.raises(UserError, match="Expected members of 1 or more, found 0"):
        ad.fill_gaps(fields(*GLOBE), ensemble, members=0)
    empty = fields(*AREA, times=2)
    empty["vorticity"][1] = np.nan
    with pytest.raises(UserError, match="only missing ones at time number 1"):
        ad.fill_gaps(empty, model)
    with pytest.raises(UserError, match=r"the fields vorticity, divergence, found vorticity"):
        ad.fill_gaps(fields(*AREA)[["vorticity"]], model)
    other = saved_downscaler(tmp_path / "tiny")
    with pytest.raises(UserError, match="kind 'gap filler', found 'tiny' of kind 'downscaler'"):
        ad.load_gap_filler(other)
    with pytest.raises(UserError, match="load it with load_gap_filler"):
        ad.load_downscaler(model)
    with pytest.raises(ad.Cancelled):
        ad.fill_gaps(holes(fields(*GLOBE)), model, cancel=lambda: True)


@pytest.mark.parametrize("name", ["gaps-mse", "gaps-atmodist", "gaps-atmodist-ensemble"])
def test_the_models_that_ship_beat_the_mean_and_keep_the_rest(name):
    """On one time of the held-out days: the root-mean-square error of a filled strip is below the fields' own spread."""
    truth = ad.open_demo().isel(time=[200], latitude=slice(70, 134), longitude=slice(100, 164)).load()
    gaps = truth.where((truth["longitude"] < 62) | (truth["longitude"] > 66))
    filler = ad.load_gap_filler(name)
    result = filler(gaps, members=4).mean("member") if filler.is_ensemble else filler(gaps)
    missing = gaps["vorticity"].isnull().values
    error = (result["vorticity"].values - truth["vorticity"].values)[missing]
    assert 0 < np.sqrt(np.square(error).mean()) < 0.9 * truth["vorticity"].values[missing].std()
    np.testing.assert_allclose(
        result["vorticity"].values[~missing], truth["vorticity"].values[~missing], rtol=1e-6
    )
