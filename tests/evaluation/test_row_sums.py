"""Sums from one pass over some rows at a time, against the plain definitions."""

import numpy as np
import pytest

from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.statistics import row_sums
from atmodist_core.evaluation.statistics.moments import AreaSums, Errors, Moments
from atmodist_core.evaluation.statistics.pattern import (
    LINE_LATITUDE,
    fold_on_cells,
    folded_moments,
    grid_scale_part,
    line_spectra,
)
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from tests.evaluation.mock_fields import globe

ROWS, COLUMNS, FACTOR = 26, 44, 4


@pytest.fixture(params=[1, 1 << 20])
def chunk_bytes(request, monkeypatch):
    """Chunks of one row of cells, and one chunk for all."""
    monkeypatch.setattr(row_sums, "_CHUNK_BYTES", request.param)


@pytest.fixture(scope="module")
def fields():
    random = np.random.default_rng(0)
    values, truth = 280 + 10 * random.standard_normal((2, 3, ROWS, COLUMNS)).astype(np.float32)
    return values, truth, random.random(ROWS)


def cells_of(x):
    whole = x[:, : ROWS // FACTOR * FACTOR]
    return whole.reshape(len(x), ROWS // FACTOR, FACTOR, COLUMNS // FACTOR, FACTOR).sum(axis=(2, 4))


@pytest.mark.usefixtures("chunk_bytes")
def test_sums_are_those_of_the_definition(fields):
    values, truth, weights = fields
    x, y = values.astype(float), truth.astype(float)
    powers = row_sums.power_sums(values, weights, FACTOR)
    for place, exponent in enumerate(row_sums.POWERS):
        np.testing.assert_allclose(powers.rows[place], (x**exponent).sum(axis=-1), rtol=1e-13)
        np.testing.assert_allclose(powers.cells[place], cells_of(x**exponent), rtol=1e-13)
    np.testing.assert_allclose(powers.weighted, cells_of(x * weights[:, None]), rtol=1e-13)
    pair = row_sums.pair_sums(values, truth, FACTOR)
    np.testing.assert_allclose(pair.squared_error, ((x - y) ** 2).sum(axis=-1), rtol=1e-13)
    np.testing.assert_allclose(pair.absolute_error, np.abs(x - y).sum(axis=-1), rtol=1e-13)
    np.testing.assert_allclose(pair.product, (x * y).sum(axis=-1), rtol=1e-13)
    np.testing.assert_allclose(pair.squared_error_cells, cells_of((x - y) ** 2), rtol=1e-13)


@pytest.mark.parametrize("by_row", [True, False])
def test_moments_and_errors_are_those_of_the_definition(by_row):
    ds = globe(24, truncation=11, times=2, seed=3)
    truth, values = (
        np.stack([ds[name].values[n] for name in ds.data_vars]).astype(np.float32) for n in (0, 1)
    )
    weights = area_weights(ds)
    if not by_row:
        weights = weights * np.random.default_rng(0).uniform(0.5, 1.5, weights.shape)
        weights = weights / weights.sum()
    sums = AreaSums(weights, FACTOR)
    assert sums.by_row == by_row
    of_truth = Snapshot(truth, truth, ds, ds)
    x, y = values.astype(float), truth.astype(float)

    def mean(each):
        return (each * weights).sum(axis=(1, 2))

    def blocks(each):
        return cells_of_weighted(each * weights) / cells_of_weighted(weights)

    block_weights = cells_of_weighted(weights) / cells_of_weighted(weights).sum()
    wanted = {
        **{f"moment_{k}": mean(x**k) for k in range(1, 5)},
        "squared_error": mean((x - y) ** 2),
        "absolute_error": mean(np.abs(x - y)),
        "product": mean(x * y),
        "block_squared_error": ((blocks(x) - blocks(y)) ** 2 * block_weights).sum(axis=(1, 2)),
        "block_power": (blocks(y) ** 2 * block_weights).sum(axis=(1, 2)),
    }
    for known in (of_truth, None):
        snapshot = Snapshot(values, truth, ds, ds, known)
        found = Moments(sums)(snapshot) | Errors(sums)(snapshot)
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            # A mean that nearly vanishes is exact relative to the values.
            atol = 1e-12 * np.abs(truth).max() if name == "moment_1" else 1e-35
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=atol, err_msg=name)


def cells_of_weighted(x):
    rows, columns = x.shape[-2] // FACTOR, x.shape[-1] // FACTOR
    whole = x[..., : rows * FACTOR, : columns * FACTOR]
    return whole.reshape(*x.shape[:-2], rows, FACTOR, columns, FACTOR).sum(axis=(-3, -1))


def test_what_is_shared_is_computed_once_and_the_truth_once_for_all_models():
    values, truth = np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)
    fields = globe(8, truncation=3, times=1)
    of_truth = Snapshot(truth, truth, fields, fields)
    first, second = (Snapshot(values, truth, fields, fields, of_truth) for _ in range(2))
    calls = []
    for moment in (first, second, first):
        assert moment.truth_alone is of_truth
        moment.truth_alone.shared("of the truth", lambda: calls.append("truth"))
        moment.shared("own", lambda: calls.append("own"))
    assert calls == ["truth", "own", "own"]
    alone = Snapshot(values, truth, fields, fields).truth_alone
    assert alone.is_truth and alone.values is truth and alone.truth_alone is alone


@pytest.mark.usefixtures("chunk_bytes")
@pytest.mark.parametrize("rows", [24, 25, 26])
def test_folding_some_rows_at_a_time_is_folding_the_whole(fields, rows):
    values, weights = fields[0][:, :rows], fields[2][:rows]
    part = grid_scale_part(values).astype(float)
    mean, square = folded_moments(values, weights, FACTOR)
    np.testing.assert_allclose(mean, fold_on_cells(part, weights, FACTOR), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(square, fold_on_cells(part**2, weights, FACTOR), rtol=1e-12)


def test_line_spectra_are_those_of_the_definition():
    ds = globe(24, truncation=11, times=3, seed=1)
    values, latitude = ds["vorticity"].values.astype(np.float32), ds["latitude"].values
    for some in (values, values[:, :, ::-1]):  # a view that runs backwards as well
        belt = np.abs(latitude) <= LINE_LATITUDE
        part, cosine = some[:, belt].astype(float), np.cos(np.deg2rad(latitude[belt]))
        zonal = (np.abs(np.fft.rfft(part)) ** 2 * (cosine / cosine.sum())[:, None]).sum(axis=-2)
        window = np.hanning(belt.sum() + 2)[1:-1, None]
        meridional = (np.abs(np.fft.rfft(part * window, axis=-2)) ** 2).mean(axis=-1)
        for found, wanted in zip(line_spectra(some, latitude), (zonal, meridional), strict=True):
            assert found.dtype == np.float32 and found.shape == wanted.shape
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-9 * wanted.max())
