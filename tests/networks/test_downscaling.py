"""Downscalers: exact tiles, wrap and poles, coordinates, warnings and refusals."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, Cancelled
from atmodist_core.fields import coarsen
from atmodist_core.fields.grid.regions import Region
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.models.store import load_network
from atmodist_core.networks import GeneratorConfig
from tests.networks.mock_models import (
    CHANNELS,
    NORMALIZATION,
    TINY_GENERATOR,
    fields,
    globe,
    saved_downscaler,
)

METHODS = ("network", "bilinear", "bicubic")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_downscaler(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def load(folder):
    return lambda method, **options: load_downscaler(folder if method == "network" else method, **options)


def assert_same(found, wanted, tolerance=1e-6):
    """Equal to a part of the standard deviation, on the same coordinates."""
    assert found.sizes == wanted.sizes
    for axis in ("latitude", "longitude"):
        np.testing.assert_allclose(found[axis], wanted[axis], atol=1e-9)
    for name in CHANNELS:
        np.testing.assert_allclose(
            found[name].values, wanted[name].values, rtol=0, atol=tolerance * float(wanted[name].std())
        )


def test_a_globe_in_xarray(load):
    coarse = globe(times=2)
    fine = load("network")(coarse)
    assert dict(fine.sizes) == {"time": 2, "latitude": 72, "longitude": 144}
    assert set(fine.data_vars) == set(CHANNELS)
    for name in CHANNELS:
        assert fine[name].dtype == np.float32 and fine[name].dims == ("time", "latitude", "longitude")
        assert fine[name].attrs["units"] == "s-1"
    np.testing.assert_allclose(fine.latitude, 90 - 2.5 * (np.arange(72) + 0.5))
    np.testing.assert_allclose(fine.longitude, 2.5 * (np.arange(144) + 0.5))
    assert (fine.time == coarse.time).all()
    assert fine.attrs["downscaled_by"] == "tiny" and fine.attrs["grid"] == "cell-centred"
    assert fine.attrs["source"] == "made up" and fine.attrs["downscaling_precision"] == "float32"
    notes = fine.attrs["notes"].split("\n")
    assert notes[0] == "Made for a test." and any("poles" in note for note in notes)
    assert coarse.attrs["notes"] == "Made for a test."


def test_the_network_sees_normalised_fields_and_answers_in_physical_units(folder, load):
    """Inside an area, away from its edges, against the generator run by hand."""
    coarse = fields(60.0 - np.arange(40), 10.0 + np.arange(40))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        fine = load("network")(coarse)
    _, generator = load_network(folder)
    x = np.stack([coarse[name].values[0] for name in NORMALIZATION.channels])
    with torch.no_grad():
        y = NORMALIZATION.denormalize(
            generator(torch.from_numpy(NORMALIZATION.normalize(x))[None])[0]
        ).numpy()
    margin = int(np.ceil(TINY_GENERATOR.receptive_radius))
    inner = slice(4 * margin, -4 * margin)
    for channel, name in enumerate(NORMALIZATION.channels):
        np.testing.assert_allclose(
            fine[name].values[0, inner, inner],
            y[channel, inner, inner],
            rtol=0,
            atol=1e-5 * float(fine[name].std()),
        )


@pytest.mark.parametrize("tile", [1, 5, 7, 16])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [globe, lambda: fields(60.0 - 10.0 * np.arange(11), 10.0 * np.arange(13))])
def test_tiles_equal_one_piece(load, method, make, tile):
    if tile == 1 and method == "network":
        tile = 3  # single cells take too long
    downscaler, coarse = load(method), make()
    assert_same(downscaler(coarse, tile=tile), downscaler(coarse, tile=1000))


def test_strips_equal_one_piece(load, monkeypatch):
    """Little working memory makes many tiles, and many strips of the fine half of the network."""
    downscaler, coarse = load("network"), globe()
    whole = downscaler(coarse)
    # A window of 10 x 10 cells with the radius of 14 around it, in 6 float32 activations of 4 filters.
    monkeypatch.setattr("atmodist_core.inference.generator_inference.WORKING_MEMORY", 38 * 38 * 6 * 4 * 4)
    assert downscaler._enlarger.largest_window == 38 * 38
    strips = downscaler._enlarger._strips(slice(0, 18), slice(0, 36))
    assert len(strips) > 1 and strips[0].start == 0 and strips[-1].stop == 18
    fractions = []
    assert_same(downscaler(coarse, progress=lambda fraction, _: fractions.append(fraction)), whole)
    assert len(fractions) > 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [1, 17])
def test_turning_the_globe_turns_the_result(load, method, shift):
    downscaler, coarse = load(method), globe()
    turned = coarse.roll(longitude=shift, roll_coords=False)
    assert_same(downscaler(turned), downscaler(coarse).roll(longitude=4 * shift, roll_coords=False))


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("axis", ["latitude", "longitude"])
def test_flipping_the_field_flips_the_interpolation(load, method, axis):
    downscaler, coarse = load(method), globe()
    flipped = coarse.copy(
        data={name: np.flip(coarse[name], coarse[name].dims.index(axis)) for name in CHANNELS}
    )
    found, wanted = downscaler(flipped), downscaler(coarse)
    for name in CHANNELS:
        np.testing.assert_allclose(
            found[name].values, np.flip(wanted[name].values, wanted[name].dims.index(axis)), rtol=0, atol=1e-9
        )


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_turning_the_globe_upside_down(load, method):
    """A field turned by half a circle about an axis through the equator: rows reversed, columns mirrored.

    Interpolation knows no directions, so its result must turn along; that needs right values beyond the
    poles.
    """
    downscaler, coarse = load(method), globe()
    over = coarse.copy(data={name: coarse[name].values[:, ::-1, ::-1] for name in CHANNELS})
    found, wanted = downscaler(over), downscaler(coarse)
    for name in CHANNELS:
        np.testing.assert_allclose(found[name].values, wanted[name].values[:, ::-1, ::-1], rtol=0, atol=1e-9)


def test_the_pole_is_no_edge(load):
    """Near the pole the result depends on the other side of it, half the circle away, and on nothing else
    far off.
    """
    downscaler, coarse = load("network"), globe(18, 36)
    changed = coarse.copy(deep=True)
    changed["vorticity"][0, 0, 27] += 5 * NORMALIZATION.std[0]
    difference = np.abs(downscaler(changed).vorticity - downscaler(coarse).vorticity)[0, 0]
    by_cell = difference.values.reshape(36, 4).max(axis=1)
    # Cell 9 lies opposite to cell 27, one row away across the pole.
    assert by_cell[9] > 0.1 * by_cell[27]
    assert by_cell[9] > 3 * by_cell[[0, 18]].max()


def test_coarse_rows_on_the_poles(load):
    """19 rows of 10 degrees, two of them poles, become the 72 cell-centred rows of 2.5 degrees."""
    coarse = fields(90.0 - 10.0 * np.arange(19), 10.0 * np.arange(36))
    for name in CHANNELS:
        coarse[name][:, [0, -1]] = 1e-5
    for method in METHODS:
        fine = load(method)(coarse)
        np.testing.assert_allclose(fine.latitude, 90 - 2.5 * (np.arange(72) + 0.5))
        assert fine.attrs["grid"] == "cell-centred"
        # The first coarse longitude is 0, so its first two cells lie west of Greenwich: they come last.
        np.testing.assert_allclose(fine.longitude, 1.25 + 2.5 * np.arange(144))
    bilinear = load("bilinear")(coarse)
    # 88.75 N, 1.25 E: 7/8 of the pole and 1/8 of 80 N; there 7/8 of 0 E and 1/8 of 10 E.
    row = coarse.vorticity.values[0, 1]
    wanted = 7 / 8 * 1e-5 + 1 / 8 * (7 / 8 * row[0] + 1 / 8 * row[1])
    assert float(bilinear.vorticity[0, 0, 0]) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("region", [Region(0, 80, -30, 40), Region(-90, -20, 0, 360), "South-East Asia"])
def test_a_region_is_part_of_the_whole(load, method, region):
    downscaler, coarse = load(method), globe()
    whole, part = downscaler(coarse), downscaler(coarse, region=region)
    assert part.sizes["latitude"] < whole.sizes["latitude"]
    assert part.attrs["grid"] == "limited-area"
    assert (np.diff(part.longitude) > 0).all()
    wanted = whole.sel(
        latitude=part.latitude, longitude=part.longitude % 360, method="nearest", tolerance=1e-6
    )
    assert_same(part, wanted.assign_coords(longitude=part.longitude))


def test_a_limited_area_keeps_its_place(load):
    coarse = fields(50.0 - 10.0 * np.arange(5), -15.0 + 10.0 * np.arange(6))
    fine = load("network")(coarse)
    assert fine.longitude.values[0] == pytest.approx(-18.75) and fine.latitude.values[0] == pytest.approx(
        53.75
    )
    assert fine.attrs["grid"] == "limited-area" and "mirror" in fine.attrs["notes"]


def test_a_margin_for_previews(load):
    downscaler, coarse = load("network"), globe()
    exact, preview = downscaler(coarse, region="Europe"), downscaler(coarse, region="Europe", margin=6)
    error = float((exact - preview).vorticity.std() / exact.vorticity.std())
    assert 0 < error < 0.5
    assert "preview" in preview.attrs["notes"] and "preview" not in exact.attrs["notes"]
    assert_same(downscaler(coarse, region="Europe", margin=1000), exact)


@pytest.mark.parametrize("factor", [2, 8])
def test_other_factors(tmp_path, factor):
    saved_downscaler(
        tmp_path / "m", GeneratorConfig(factor=factor, filters=4, blocks=1), grid_spacing_deg=10 / factor
    )
    downscaler = load_downscaler(tmp_path / "m")
    coarse = globe()
    fine = downscaler(coarse)
    assert fine.sizes["latitude"] == 18 * factor
    assert_same(downscaler(coarse, tile=5), fine)
    assert_same(downscaler(coarse.roll(longitude=3)), fine.roll(longitude=3 * factor))


def test_other_channels(tmp_path):
    normalization = dataclasses.replace(
        NORMALIZATION, channels=("temperature",), mean=(280.0,), std=(10.0,), mean_y=(0.0,), std_y=(0.16,)
    )
    config = GeneratorConfig(channels=1, filters=4, blocks=1)
    saved_downscaler(tmp_path / "m", config, channels=("temperature",), normalization=normalization)
    coarse = globe().assign(temperature=lambda ds: 280 + 2e5 * ds.vorticity)
    assert set(load_downscaler(tmp_path / "m")(coarse).data_vars) == {"temperature"}
    assert set(load_downscaler("bicubic")(coarse).data_vars) == {"temperature", *CHANNELS}


def test_without_a_time_axis(load):
    coarse = globe(times=2)
    alone = load("network")(coarse.isel(time=1))
    assert "time" not in alone.dims and alone.time == coarse.time[1]
    assert_same(alone, load("network")(coarse).isel(time=1))


def test_lazy_fields(load):
    coarse = globe(times=2)
    assert_same(load("bicubic")(coarse.chunk({"time": 1, "latitude": 7})), load("bicubic")(coarse))


def test_bfloat16_is_close_and_says_so(load):
    coarse = globe()
    exact, fast = load("network")(coarse), load("network", precision="bfloat16")(coarse)
    error = float((fast - exact).vorticity.std() / exact.vorticity.std())
    assert 0 < error < 0.1
    assert fast.attrs["downscaling_precision"] == "bfloat16" and "bfloat16" in fast.attrs["notes"]
    assert load("network", precision="auto").precision in ("float32", "bfloat16")
    assert fast.vorticity.dtype == np.float32


def test_block_means_of_the_truth_downscale_onto_its_grid(load):
    truth = globe(72, 144)
    fine = load("bicubic")(coarsen(truth, factor=4))
    np.testing.assert_allclose(fine.latitude, truth.latitude, atol=1e-9)
    np.testing.assert_allclose(fine.longitude, truth.longitude, atol=1e-9)


def test_progress_and_cancel(load):
    steps = []
    load("network")(
        globe(times=2), tile=9, progress=lambda fraction, message: steps.append((fraction, message))
    )
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0) and len(fractions) == 16
    assert steps[0][1] == "tiny: time 1 of 2"
    asked = []

    def after_five():
        asked.append(True)
        return len(asked) > 5

    with pytest.raises(Cancelled):
        load("network")(globe(times=2), tile=9, cancel=after_five)
    assert len(asked) == 6


def test_memory_stays_under_the_stated_figure(load):
    """The published generator on the paper's globe: windows and strips are planned within the working
    memory.
    """
    from atmodist_core.fields.grid.boundaries import Boundaries
    from atmodist_core.inference.generator_inference import WORKING_MEMORY, GeneratorInference
    from atmodist_core.inference.tiling import plan_tiles
    from atmodist_core.networks import Generator

    inference = GeneratorInference(Generator(), NORMALIZATION, torch.device("cpu"), "float32")
    assert inference.radius == 40
    rows, columns = 1280, 2560
    latitude = 90 - 180 / rows * (np.arange(rows) + 0.5)
    boundaries = Boundaries.of(latitude, np.arange(columns) * 360 / columns)
    tiles = plan_tiles(
        (0, rows), (0, columns), boundaries, margin=40, tile=None, largest_window=inference.largest_window
    )
    assert sum((t.rows[1] - t.rows[0]) * (t.columns[1] - t.columns[0]) for t in tiles) == rows * columns
    for tile in tiles:
        assert tile.window_points * 64 * 4 * 6 <= WORKING_MEMORY
        for strip in inference._strips(*tile.inner):
            fine = (strip.stop - strip.start + 6) * (tile.inner[1].stop - tile.inner[1].start + 6) * 16
            assert fine * 64 * 4 * 4 <= WORKING_MEMORY
    # The overlaps must not cost more than half as much again as the fields themselves.
    assert sum(tile.window_points for tile in tiles) < 1.5 * rows * columns


def test_the_result_can_be_stored(load, tmp_path):
    fine = load("bilinear")(globe())
    fine.to_netcdf(tmp_path / "fine.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "fine.nc", engine="h5netcdf") as back:
        xr.testing.assert_equal(back.load(), fine)
