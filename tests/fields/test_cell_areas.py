"""One definition of cell area: what is conserved on it scores as conserved."""

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.evaluation import scores
from atmodist_core.fields import coarsen
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.fields.grid.fine_grid import FineGrid, fine_row_areas
from atmodist_core.harmonics.grids import colatitudes
from atmodist_core.networks.output_layers import with_block_means


def latitudes(grid, rows):
    return 90.0 - np.rad2deg(colatitudes(rows, grid))


@pytest.mark.parametrize("grid", ["cell-centred", "gaussian"])
@pytest.mark.parametrize("rows", [32, 90])
def test_the_globe_is_covered_and_the_order_of_rows_does_not_matter(grid, rows):
    latitude = latitudes(grid, rows)
    areas = cell_areas(latitude)
    assert areas.sum() == pytest.approx(2.0, abs=2e-3) and (areas > 0).all()
    np.testing.assert_array_equal(cell_areas(latitude[::-1]), areas[::-1])


@pytest.mark.parametrize("grid", ["cell-centred", "gaussian"])
def test_conserved_block_means_score_as_conserved(grid):
    """The quadrature weights of the sphere, used before, scored such a field 1e-4 on a Gaussian or regular grid."""
    random, factor = np.random.default_rng(0), 4
    latitude, longitude = latitudes(grid, 64), np.arange(128) * 2.8125
    values = random.standard_normal((1, 64, 128))
    truth = xr.Dataset(
        {"vorticity": (("time", "latitude", "longitude"), values)},
        {"latitude": latitude, "longitude": longitude},
    )
    coarse = coarsen(truth, factor)
    area = fine_row_areas(coarse.latitude.values, factor, (0, 16))
    fine = with_block_means(
        torch.from_numpy(random.standard_normal((1, 1, 64, 128))),
        torch.from_numpy(coarse.vorticity.values[None]),
        torch.from_numpy(area)[None],
        factor,
        None,
    )
    grid_of_fine = FineGrid.of(coarse.latitude.values, coarse.longitude.values, factor)
    np.testing.assert_allclose(grid_of_fine.latitude, latitude, atol=1e-9)
    prediction = truth.copy(data={"vorticity": fine[0].numpy()})
    assert float(scores(prediction, truth, factor=factor).block_mean_error[0]) < 1e-6


def test_areas_of_fine_rows_come_back_beyond_a_pole():
    coarse = latitudes("cell-centred", 8)
    areas = fine_row_areas(coarse, 3, (-1, 9))
    np.testing.assert_allclose(areas[:6], areas[:6][::-1], rtol=1e-5)
    np.testing.assert_allclose(areas[3:-3], cell_areas(latitudes("cell-centred", 24)), rtol=1e-6)
