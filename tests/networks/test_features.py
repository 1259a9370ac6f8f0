"""What a network sees: patches by brute force, gradients by finite differences, the analytic sensitivity of a squared error."""

import numpy as np
import pytest
import torch
import xarray as xr

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.features.gradients import GuidedRectifiers
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.harmonics.global_transform import GlobalTransform
from tests.networks.mock_models import CHANNELS, fields, saved_distance


@pytest.fixture(scope="module")
def distance(tmp_path_factory):
    return ad.load_distance(saved_distance(tmp_path_factory.mktemp("models") / "tiny", grid_spacing_deg=2.5))


@pytest.fixture(scope="module")
def globe():
    """Four days of noise, twice a day, at 2.5 degrees: 72 x 144 points."""
    ds = fields(88.75 - 2.5 * np.arange(72), 2.5 * np.arange(144), times=8, seed=1)
    return ds.assign_coords(
        time=np.datetime64("2001-01-01", "ns") + 12 * np.arange(8) * np.timedelta64(1, "h")
    )


def brute_force(distance, globe, layer):
    """The strongest activation of each filter within 60 degrees, and its time, row and column."""
    values = distance.embed(globe, layer=layer).values
    stride = 72 // values.shape[2]
    middle = globe["latitude"].values.reshape(-1, stride).mean(axis=1)
    values = np.where((np.abs(middle) <= 60)[None, None, :, None], values, -1)
    order = values.transpose(1, 0, 2, 3).reshape(values.shape[1], -1)
    return order.max(axis=1), np.unravel_index(order.argmax(axis=1), (8, *values.shape[2:]))


def test_the_strongest_patch_has_the_largest_activation(distance, globe):
    patches = ad.features.strongest_patches(distance, globe, layer="stage2", count=3, size=16)
    largest, (time, row, column) = brute_force(distance, globe, "stage2")
    first = patches.isel(rank=0)
    np.testing.assert_allclose(first["activation"], np.where(largest > 0, largest, np.nan), rtol=1e-6)
    for n in np.flatnonzero(largest > 0):
        assert (first["time_index"][n], first["row"][n], first["column"][n]) == (time[n], row[n], column[n])
        rows = row[n] * 8 + 4 - 8 + np.arange(16)
        columns = (column[n] * 8 + 4 - 8 + np.arange(16)) % 144
        expected = globe["vorticity"].values[time[n]][np.ix_(rows, columns)]
        np.testing.assert_array_equal(first["vorticity"].values[n], expected)
        assert first["time"].values[n] == globe["time"].values[time[n]]
        middle = globe["latitude"].values[rows].mean()
        assert float(first["latitude"][n]) == pytest.approx(middle)
    assert patches["vorticity"].attrs["units"] == "s-1" and patches["y"].values[0] == pytest.approx(18.75)


def test_gaps_and_what_lies_beyond_an_edge_are_missing_in_patches(distance, globe):
    part = globe.isel(time=[0], latitude=slice(8, 56), longitude=slice(0, 64)).copy(deep=True)
    part["vorticity"][0, 20:24, 30:40] = np.nan
    places = ad.features.strongest_places(distance, part, layer="stage1", count=9, size=32)
    patches = ad.features.patches_at(distance, part, places)
    shown = 0
    for at in zip(*np.nonzero(np.isfinite(places["activation"].values)), strict=True):
        top, left = (int(places[name].values[at]) * 4 + 2 - 16 for name in ("row", "column"))
        whole = np.pad(part["vorticity"].values[0], 32, constant_values=np.nan)
        expected = whole[top + 32 : top + 64, left + 32 : left + 64]
        np.testing.assert_array_equal(patches["vorticity"].values[at], expected)
        shown += int(np.isnan(expected).any())
    assert shown > 3


def test_patches_are_apart_in_space_or_time(distance, globe):
    places = ad.features.strongest_places(distance, globe, layer="stage1", count=4, size=32)
    known = places.where(places["activation"].notnull(), drop=True)
    assert known.sizes["rank"] == 4 and (known["activation"].diff("rank").fillna(0) <= 0).all()
    for n in range(known.sizes["filter"]):
        for i in range(4):
            for j in range(i):
                a, b = (places.isel(filter=n, rank=k) for k in (i, j))
                beside = abs(int(a["column"] - b["column"]))
                far = abs(int(a["row"] - b["row"])) >= 8 or min(beside, 36 - beside) >= 8
                assert far or abs(int(a["time_index"] - b["time_index"])) >= 2 or np.isnan(a["activation"])
    with pytest.raises(UserError, match="patches of 4 to 72 points"):
        ad.features.strongest_places(distance, globe, layer="stage1", size=100)


def test_the_exciting_change_raises_the_activation_as_it_says(distance, globe):
    places = ad.features.strongest_places(distance, globe, layer="stage2", count=2, size=48)
    places = places.where(places["activation"].notnull(), drop=True).isel(filter=slice(0, 3))
    for name in ("time_index", "row", "column"):
        places[name] = places[name].astype(int)
    change = ad.features.exciting_change(distance, globe, places)
    assert change["share"].min() > 0.5 and change["share"].max() < 1 + 1e-6
    for n, number in enumerate(places["filter"].values):
        here = change.isel(filter=n, rank=0)
        time, row, column = (int(here[name]) for name in ("time_index", "row", "column"))
        at = globe.isel(time=[time]).copy(deep=True)
        rows, columns = row * 8 + 4 - 24 + np.arange(48), (column * 8 + 4 - 24 + np.arange(48)) % 144
        inside = (rows >= 0) & (rows < 72)
        for channel in CHANNELS:
            step = 0.02 * here[channel].values[inside]
            at[channel].values[0][np.ix_(rows[inside], columns)] += step
        risen = float(distance.embed(at, layer="stage2")[0, number, row, column])
        expected = 0.02 * 0.1 * float(here["activation"] * here["share"])
        assert risen - float(here["activation"]) == pytest.approx(expected, rel=0.05)
    guided = ad.features.exciting_change(distance, globe, places, method="guided")
    assert np.abs(guided["vorticity"] - change["vorticity"]).max() > 0
    with pytest.raises(UserError, match="method gradient or guided"):
        ad.features.exciting_change(distance, globe, places, method="other")


def test_guided_rectifiers_pass_only_what_excites():
    x = torch.tensor([2.0, 3.0, -1.0], requires_grad=True)
    with GuidedRectifiers():
        y = (torch.relu(torch.relu(x)) * torch.tensor([1.0, -1.0, 1.0])).sum()
    (guided,) = torch.autograd.grad(y, x)
    assert guided.tolist() == [1.0, 0.0, 0.0]
    (plain,) = torch.autograd.grad((torch.relu(x) * torch.tensor([1.0, -1.0, 1.0])).sum(), x)
    assert plain.tolist() == [1.0, -1.0, 0.0]


def test_the_activation_map_lies_where_the_network_looks(distance, globe):
    found = ad.features.activation_map(distance, globe.isel(time=[0]), layer="stage1")
    assert found.dims == ("time", "filter", "latitude", "longitude") and found.shape == (1, 4, 18, 36)
    np.testing.assert_array_equal(found, distance.embed(globe.isel(time=[0]), layer="stage1"))
    assert found["latitude"].values[0] == pytest.approx(globe["latitude"].values[:4].mean())


def squared_error(a, b):
    """Mean over area and both fields of the squared difference divided by the variance."""
    weights = xr.DataArray(cell_areas(a["latitude"].values), dims="latitude")
    ratios = [
        ((b[n] - a[n]) ** 2).weighted(weights).mean(("latitude", "longitude"))
        / a[n][0].weighted(weights).var()
        for n in CHANNELS
    ]
    return (ratios[0] + ratios[1]) / 2


def test_the_sensitivity_of_a_squared_error_is_the_power_of_the_band(globe):
    one = globe.isel(time=slice(0, 2))
    one = one.map(lambda x: x - x.mean(("latitude", "longitude")), keep_attrs=True)
    found = ad.features.sensitivity(
        squared_error, one, bands=(1, 4, 12, 30), amplitude=0.2, latitude_limit=90
    )
    transform = GlobalTransform(one)
    for time in range(2):
        values = np.stack([one[n].values[time] for n in CHANNELS])
        power = transform.power(values.astype(np.float64)) / (4 * np.pi)
        area = cell_areas(one["latitude"].values)[:, None] / (cell_areas(one["latitude"].values).sum() * 144)
        mean = (values * area).sum((1, 2), keepdims=True)
        variance = ((values - mean) ** 2 * area).sum((1, 2))
        for band, (low, high) in enumerate(((1, 4), (4, 12), (12, 30))):
            exact = (0.04 * power[:, low:high].sum(1) / variance).mean()
            assert float(found["response"][time, band, 0]) == pytest.approx(exact, rel=0.01)
    np.testing.assert_allclose(found["gain"], 1.0, rtol=1e-4)
    belts = ad.features.sensitivity(squared_error, one, by="latitude", bands=(-30, 0, 30), latitude_limit=90)
    np.testing.assert_allclose(belts["gain"], 1.0, rtol=1e-4)
    assert belts["last"].values.tolist() == [0, 30, 60]


def test_the_sensitivity_of_a_network_is_that_of_its_distance(distance, globe):
    options = {"bands": (1, 8, 30), "variables": ["vorticity"]}
    found = ad.features.sensitivity(distance, globe.isel(time=[0]), **options)
    again = ad.features.sensitivity(distance.distance, globe.isel(time=[0]), **options)
    np.testing.assert_allclose(found["response"].sel(layer="stage4"), again["response"][..., 0], rtol=1e-4)
    assert found["layer"].values.tolist() == list(distance.layers)
    for wrong, words in (({"bands": (8, 4)}, "increasing edges"), ({"by": "area"}, "wavenumber")):
        with pytest.raises(UserError, match=words):
            ad.features.sensitivity(distance, globe, **wrong)


def test_a_metamer_comes_close_in_activations(distance, globe):
    part = globe.isel(time=[2], latitude=slice(10, 58), longitude=slice(0, 60))
    found = ad.features.metamer(distance, part, layer="stage2", steps=30)
    history = found["distance"].values
    assert history[-1] < 0.1 * history[0] and (np.diff(history) <= 1e-6).all()
    again = distance.distance(part, found, layer="stage2")
    assert float(again[0]) == pytest.approx(history[-1], rel=0.01)
    weights = np.broadcast_to(cell_areas(part["latitude"].values)[:, None], (48, 60))
    true, other = (each["divergence"].values[0].astype(float) for each in (part, found))
    ratio = np.average((other - true) ** 2, weights=weights)
    ratio /= np.average((true - np.average(true, weights=weights)) ** 2, weights=weights)
    assert float(found["error"].sel(channel="divergence")) == pytest.approx(np.sqrt(ratio), rel=1e-4)
    assert found["error"].min() > 0.3  # another field
    with pytest.raises(UserError, match="one time of a limited area"):
        ad.features.metamer(distance, globe.isel(time=[0]))


def test_the_control_has_random_weights_and_the_statistics_of_the_fields(distance, globe):
    before = torch.random.get_rng_state()
    one, same, other = (ad.features.untrained(distance, globe.isel(time=[0, 1]), seed=s) for s in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    a, b, c = (each.embed(globe.isel(time=[0])).values for each in (one, same, other))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.1 and one.card.distance_scale == {} and one.name == "untrained-seed-0"
    assert 0.2 < a.std() < 20  # neither vanished nor exploded through the blocks
