"""Grid patterns are found where they were put in, and nowhere else."""

import numpy as np
import pytest

from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.results.targets import (
    GREATEST_CONSTANT_PATTERN,
    GREATEST_LINE,
    GREATEST_MODULATED_PATTERN,
)
from atmodist_core.evaluation.statistics.pattern import (
    fold_on_cells,
    grid_scale_part,
    line_height,
    line_spectra,
    pattern_strength,
)
from atmodist_core.fields import coarsen
from atmodist_core.inference.downscaler import load_downscaler
from tests.evaluation.mock_fields import globe

FACTOR = 4


@pytest.fixture(scope="module")
def truth():
    # The slope of the atmosphere's vorticity; the truncation lies below the grid's own, as for the demo.
    return globe(96, truncation=47, times=8, slope=-1.5)


def measures(values, truth):
    weights, latitude = area_weights(truth)[:, 0], truth["latitude"].values
    parts = [grid_scale_part(x) for x in (values, truth["vorticity"].values.astype(float))]
    folded = [fold_on_cells(part**2, weights, FACTOR).mean(axis=0) for part in parts]
    mean = fold_on_cells(parts[0], weights, FACTOR).mean(axis=0)
    zonal, meridional = (x.mean(axis=0) for x in line_spectra(values, latitude))
    rows = int((np.abs(latitude) <= 60).sum())
    return (
        *pattern_strength(mean, *folded),
        line_height(zonal, values.shape[-1], FACTOR),
        line_height(meridional, rows, FACTOR),
    )


def test_truth_and_bicubic_are_clean(truth):
    values = truth["vorticity"].values.astype(float)
    fine = load_downscaler("bicubic", factor=FACTOR)(coarsen(truth, FACTOR))["vorticity"].values.astype(float)
    for clean in (values, fine):
        constant, modulated, zonal, meridional = measures(clean, truth)
        assert constant < GREATEST_CONSTANT_PATTERN and modulated < GREATEST_MODULATED_PATTERN
        assert zonal < GREATEST_LINE and meridional < GREATEST_LINE


def test_a_checkerboard_is_measured(truth):
    values = truth["vorticity"].values.astype(float)
    rows, columns = np.indices(values.shape[1:])
    level = np.sqrt((grid_scale_part(values) ** 2).mean())
    constant, *_ = measures(values + 0.3 * level * (-1.0) ** (rows + columns), truth)
    # The smoothing takes nothing from a pattern of two points, so its own amplitude is found.
    assert constant == pytest.approx(0.3, rel=0.1)
    assert constant > GREATEST_CONSTANT_PATTERN


def test_stripes_of_two_and_four_points_are_lines(truth):
    values = truth["vorticity"].values.astype(float)
    rows, columns = np.indices(values.shape[1:])
    level = 0.5 * values.std()
    for period in (2, 4):
        along, across = (level * np.cos(2 * np.pi * x / period) for x in (columns, rows))
        assert measures(values + along, truth)[2] > 5 > GREATEST_LINE
        assert measures(values + across, truth)[3] > 5 > GREATEST_LINE
        assert measures(values + along, truth)[3] < GREATEST_LINE
        assert measures(values + across, truth)[2] < GREATEST_LINE


def test_a_pattern_that_follows_the_weather_is_measured(truth):
    values = truth["vorticity"].values.astype(float)
    rows, columns = np.indices(values.shape[1:])
    dotted = values * (1 + 0.2 * ((rows % FACTOR == 0) & (columns % FACTOR == 0)))
    assert measures(dotted, truth)[1] > GREATEST_MODULATED_PATTERN
    # Its sign follows the weather's, so over all times nothing is left of its mean.
    assert measures(dotted, truth)[0] < 0.1


def test_folding_counts_every_place_alike():
    latitude_weights = np.array([0.1, 0.2, 0.3, 0.4])
    values = np.add.outer(10.0 * (np.arange(4) % 2), np.arange(6) % 2)
    np.testing.assert_allclose(fold_on_cells(values, latitude_weights, 2), [[0, 1], [10, 11]])


def test_grid_scale_part_of_a_plane_is_nothing():
    rows, _ = np.indices((8, 12))
    assert np.abs(grid_scale_part(rows.astype(float))[1:-1]).max() < 1e-12


def test_an_axis_too_short_has_no_lines():
    assert np.isnan(line_height(np.ones(3), 4, 4))
    assert np.isnan(line_height(np.ones((2, 3)), 4, 4)).all()
