"""Networks on fields with gaps: nothing missing is filled in a result, nothing valid is lost."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core import coarsen, load_distance, load_downscaler, open_demo
from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.patches import PatchCover
from atmodist_core.inference.distance_matrix import activation_weights

pytestmark = pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")


@pytest.fixture(scope="module")
def area():
    """96 x 128 points of the demo at two times, a corner of which is missing, and the mask."""
    demo = open_demo().isel(time=[0, 1], latitude=slice(80, 176), longitude=slice(40, 168)).load()
    mask = np.add.outer(np.arange(96), np.arange(128)) > 70
    return demo, demo.where(xr.DataArray(mask, dims=("latitude", "longitude"))), mask


@pytest.mark.parametrize("model", ["bicubic", "srgan-4x-mse"])
def test_fine_cells_are_valid_where_their_coarse_cell_is(area, model):
    whole, gappy, mask = area
    coarse = coarsen(gappy.isel(time=[0]), 4)
    valid = np.isfinite(coarse.vorticity.values[0])
    np.testing.assert_array_equal(valid, mask.reshape(24, 4, 32, 4).all(axis=(1, 3)))
    fine = load_downscaler(model)(coarse)
    expected = np.repeat(np.repeat(valid, 4, axis=0), 4, axis=1)
    for name in ("vorticity", "divergence"):
        np.testing.assert_array_equal(np.isfinite(fine[name].values[0]), expected)
    assert f"{(~valid).sum()} coarse cells hold no values" in fine.attrs["notes"]
    # Far from the gap nothing changes.
    reference = load_downscaler(model)(coarsen(whole.isel(time=[0]), 4))
    far = fine.vorticity[0, -16:, -16:].values - reference.vorticity[0, -16:, -16:].values
    assert np.abs(far).max() < 0.02 * float(reference.vorticity.std())


def test_a_region_is_that_part_of_the_whole_also_beside_gaps(area):
    _, gappy, _ = area
    coarse = coarsen(gappy.isel(time=[0]), 4)
    downscaler = load_downscaler("srgan-4x-mse")
    whole = downscaler(coarse)
    rows, columns = slice(2, 12), slice(3, 17)
    latitude, longitude = coarse.latitude.values[rows], coarse.longitude.values[columns]
    part = downscaler(coarse, region=(latitude[-1], latitude[0], longitude[0], longitude[-1]))
    same = whole.isel(latitude=slice(8, 48), longitude=slice(12, 68))
    np.testing.assert_array_equal(np.isnan(part.vorticity), np.isnan(same.vorticity))
    np.testing.assert_allclose(part.vorticity, same.vorticity, atol=1e-9)
    assert np.isnan(part.vorticity).any() and np.isfinite(part.vorticity).any()


def test_a_time_without_values_is_refused(area):
    _, gappy, _ = area
    with pytest.raises(UserError, match="only missing ones at time number 1"):
        load_downscaler("bicubic")(gappy.where(gappy.time == gappy.time[0]))


def test_distances_see_the_valid_area(area):
    whole, gappy, mask = area
    distance = load_distance("atmodist-23")
    of_gappy = float(distance.distance(gappy.isel(time=[0]), gappy.isel(time=[1]))[0])
    # Of the complete fields, over the same area: the encoder sees far, and beside the gap other surroundings.
    encoded = distance.embed(whole).values
    weights = activation_weights(whole.latitude.values, 128, encoded.shape[-2:], mask)
    squares = ((encoded[0] - encoded[1]) ** 2).mean(axis=0) * distance.card.distance_scale[
        distance.layers[-1]
    ]
    assert of_gappy == pytest.approx(float((squares * weights).sum()), rel=0.25)
    assert float(distance.matrix(gappy)[0, 1]) == pytest.approx(of_gappy, rel=1e-4)
    embedded = distance.embed(gappy.isel(time=[0]))
    assert np.isnan(embedded.values[0, 0, 0, 0]) and np.isfinite(embedded.values[0, :, -1, -1]).all()
    assert np.isfinite(distance.embed(gappy, pooled=True)).all()


def test_patches_of_a_cover_hold_no_gap(area):
    _, gappy, mask = area
    cover = PatchCover.of(gappy.latitude.values, gappy.longitude.values, 32, mask)
    cut = cover.cut(gappy.vorticity.values[:1])
    assert np.isfinite(cut).all() and cover.count >= 6
    with pytest.raises(UserError, match="square of 64 x 64 points with values"):
        PatchCover.of(gappy.latitude.values, gappy.longitude.values, 64, mask & (np.arange(128) % 50 > 0))


def test_gaps_that_come_and_go_are_refused_by_distances(area):
    whole, gappy, _ = area
    both = xr.concat([whole.isel(time=[0]), gappy.isel(time=[1])], "time")
    with pytest.raises(UserError, match="without missing values"):
        load_distance("atmodist-23").matrix(both)
