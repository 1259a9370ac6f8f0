"""Shapes of exciting changes from cases that are integrable by hand, and the command that prints the tables."""

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.distance_sensitivity import (
    hemispheric_ratio,
    mean_gain,
    normalised_squared_error,
)
from atmodist_core.features.shapes import KM_PER_DEGREE
from tests.networks.mock_models import CHANNELS, fields, saved_distance
from train.figures import features as command


def wave_packet(latitude, wide_km, tall_km, wavelength_km, points=96, step=0.5):
    """A wave towards the east under a Gaussian, as a change at one place."""
    middle = (np.arange(points) - (points - 1) / 2) * step
    y, x = middle[::-1] * KM_PER_DEGREE, middle * KM_PER_DEGREE * np.cos(np.deg2rad(latitude))
    envelope = np.exp(-((x[None] / wide_km) ** 2 + (y[:, None] / tall_km) ** 2) / 2)
    values = envelope * np.cos(2 * np.pi * x / wavelength_km)[None]
    over = ("filter", "rank")
    return xr.Dataset(
        {
            "activation": (over, [[1.0]]),
            "vorticity": ((*over, "y", "x"), values[None, None]),
            "divergence": ((*over, "y", "x"), 0 * values[None, None]),
        },
        {"y": middle[::-1], "x": middle, "latitude": (over, [[latitude]])},
    )


@pytest.mark.parametrize("latitude", [0.0, -50.0])
def test_shapes_of_a_wave_packet_are_those_of_its_gaussian(latitude):
    # The square of a Gaussian of width s has the variance s^2 / 2 in each direction.
    found = ad.features.change_shapes(wave_packet(latitude, 300.0, 600.0, 250.0)).squeeze()
    assert float(found["extent"]) == pytest.approx(np.sqrt((300**2 + 600**2) / 2), rel=0.01)
    assert float(found["anisotropy"]) == pytest.approx(0.5, abs=0.01)
    assert float(found["scale"]) == pytest.approx(250, rel=0.05)
    round_one = ad.features.change_shapes(wave_packet(latitude, 400.0, 400.0, 250.0)).squeeze()
    assert float(round_one["anisotropy"]) == pytest.approx(0, abs=0.01)
    assert found["extent"].attrs["units"] == "km"


def test_missing_places_have_no_shape_and_missing_points_no_change():
    one = wave_packet(0.0, 300.0, 300.0, 250.0)
    beyond = one.copy(deep=True)
    beyond["vorticity"][..., :5, :] = np.nan
    np.testing.assert_allclose(
        ad.features.change_shapes(beyond)["extent"], ad.features.change_shapes(one)["extent"], rtol=1e-3
    )
    silent = one.assign(activation=one["activation"] * np.nan)
    assert np.isnan(ad.features.change_shapes(silent)["scale"]).all()
    with pytest.raises(UserError, match="changes over y and x"):
        ad.features.change_shapes(xr.Dataset())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    saved_distance(folder / "tiny", grid_spacing_deg=2.5)
    days = fields(88.75 - 2.5 * np.arange(72), 2.5 * np.arange(144), times=10, seed=1)
    days.assign_coords(
        time=np.datetime64("2001-01-01", "ns") + np.arange(10) * np.timedelta64(1, "D")
    ).to_netcdf(folder / "globe.nc")
    return folder


def test_the_normalised_error_is_that_of_the_fields_that_enter_the_network(folder):
    distance, globe = ad.load_distance(folder / "tiny"), ad.open_fields(folder / "globe.nc").load()
    a, b = globe.isel(time=[0]), globe.isel(time=[1])
    import torch

    normal = [
        distance.inference.normalization.normalize(
            torch.from_numpy(np.stack([ds[name].values[0] for name in CHANNELS]))
        ).numpy()
        for ds in (a, b)
    ]
    weights = np.cos(np.deg2rad(globe["latitude"].values))
    expected = np.average(((normal[0] - normal[1]) ** 2).mean(axis=(0, 2)), weights=weights)
    assert float(normalised_squared_error(distance)(a, b)[0]) == pytest.approx(expected, rel=1e-4)


def test_the_ratio_of_hemispheres_is_that_of_their_gains():
    axes = ("time", "band", "layer")
    response = np.ones((9, 3, 1)) * np.array([1.0, 7.0, 3.0])[None, :, None]
    known = xr.Dataset(
        {"response": (axes, response), "squared_error": (axes[:2], np.ones((9, 3)) * [2.0, 1.0, 1.0])},
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(9) * np.timedelta64(1, "D"),
            "band": [-30.0, 0.0, 30.0],
        },
    ).assign_coords(layer=["distance"])
    found = hemispheric_ratio(known)
    assert found["ratio"].values == pytest.approx(6) and found["low"].values == pytest.approx(6)


def test_the_command_prints_what_it_measured(folder, capsys):
    out = folder / "out"
    arguments = ["--data", str(folder / "globe.nc"), "--model", str(folder / "tiny"), "--every-hours", "48"]
    assert command.main([*arguments, "--seeds", "1", "--places", "1", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    stored = xr.open_dataset(out / "wavenumber_trained.nc")
    gain = mean_gain(stored).isel(layer=-1)
    first = next(line for line in printed.splitlines() if line.startswith("| 1 to 3 |"))
    assert f"| {float(gain['gain'][0]):.2f} [" in first
    assert "equator" in printed and "| stage4 |" in printed and "preferred scale [km]" in printed
    assert stored.sizes["time"] == 5 and (out / "shapes_trained_stage1.nc").exists()
    with pytest.raises(UserError, match="one place or more"):
        command.main([*arguments, "--places", "0"])
    with pytest.raises(UserError, match="multiple of 7 h"):
        command._times(ad.open_fields(folder / "globe.nc").isel(time=[1]), 7)
