"""Legendre functions, quadrature, and the caches of tables and of transforms."""

import logging
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from atmodist_core.harmonics import (
    SphericalHarmonicTransform,
    get_transform,
    keep_freed_memory,
    registry,
    tables,
)
from atmodist_core.harmonics.grids import GRIDS, colatitudes, exact_quadrature, quadrature_weights
from atmodist_core.harmonics.legendre import legendre_functions
from tests.harmonics.random_coefficients import random_coefficients, relative_error


def test_addition_theorem_where_float64_underflows():
    """One degree from the pole sin**m is below 1e-1700 at the highest orders; the sum over them is known."""
    truncation = 1000
    theta = np.deg2rad([1.0, 30.0, 60.0, 89.0])
    even, odd = legendre_functions(theta, truncation, 0, truncation + 1)
    assert np.isfinite(even).all()
    assert np.isfinite(odd).all()
    for degree in (1, 2, 499, 998, 1000):
        values = np.stack([(even, odd)[(degree - m) % 2][m, (degree - m) // 2] for m in range(degree + 1)])
        total = values[0] ** 2 + 2.0 * (values[1:] ** 2).sum(0)
        np.testing.assert_allclose(total, (2 * degree + 1) / (4.0 * math.pi), rtol=1e-10)


def test_legendre_functions_of_a_block_in_the_middle():
    theta = np.linspace(0.0, math.pi / 2.0, 7)
    even, odd = legendre_functions(theta, 20, 0, 21)
    part_even, part_odd = legendre_functions(theta, 20, 7, 12)
    np.testing.assert_allclose(part_even, even[7:12, : part_even.shape[1]], atol=1e-14)
    np.testing.assert_allclose(part_odd, odd[7:12, : part_odd.shape[1]], atol=1e-14)
    # P_5^2 = 1/8 sqrt(1155 / (2 pi)) sin^2 (3 cos^3 - cos), degree - order = 3.
    x = np.cos(theta)
    closed = 0.125 * math.sqrt(1155.0 / (2.0 * math.pi)) * (1 - x**2) * (3 * x**3 - x)
    np.testing.assert_allclose(odd[2, 1], closed, atol=1e-14)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("rows", [16, 40])
def test_quadrature_is_exact_to_its_degree(grid, rows):
    theta, weights = colatitudes(rows, grid), quadrature_weights(rows, grid)
    highest = {"gaussian": 2 * rows - 1, "driscoll-healy": rows - 2}.get(grid, rows - 1)
    for degree in range(highest + 1):
        exact = 2.0 / (degree + 1) if degree % 2 == 0 else 0.0
        assert (weights * np.cos(theta) ** degree).sum() == pytest.approx(exact, abs=1e-14)


@pytest.mark.parametrize(("grid", "rows"), [("cell-centred", 9), ("equiangular-with-poles", 10)])
def test_exact_quadrature_of_series(grid, rows):
    """Inner products of two cosines and two sines against the integral done numerically."""
    theta = colatitudes(rows, grid)
    cosine, sine = exact_quadrature(rows, grid)
    nodes, weights = colatitudes(200, "gaussian"), quadrature_weights(200, "gaussian")
    for function, matrix, highest in ((np.cos, cosine, rows - 1), (np.sin, sine, rows - 2)):
        for j, k in ((1, 1), (2, 3), (2, highest), (highest, highest)):
            expected = (weights * function(j * nodes) * function(k * nodes)).sum()
            assert function(j * theta) @ matrix @ function(k * theta) == pytest.approx(expected, abs=1e-13)


def _large(**options):
    return SphericalHarmonicTransform(24, 48, 23, "gaussian", **options)


@pytest.fixture()
def every_table_is_cached(monkeypatch):
    monkeypatch.setattr(tables, "SMALLEST_BYTES", 0)


@pytest.fixture()
def no_building(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("the tables were built again")

    return lambda: monkeypatch.setattr(tables, "legendre_functions", refuse)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.usefixtures("every_table_is_cached")
def test_tables_come_back_from_the_cache(no_building, monkeypatch, stored):
    monkeypatch.setattr(tables, "STORED_BYTES_LIMIT", 1 << 30 if stored else 0)
    first = _large()
    files = list(tables.cache_folder().iterdir())
    assert [path.suffix for path in files] == [".safetensors"]
    no_building()
    again = _large()
    for mine, theirs in zip(first._kernels.blocks, again._kernels.blocks, strict=True):
        assert mine.first_row == theirs.first_row
        assert all(torch.equal(a, b) for a, b in zip(mine.tensors, theirs.tensors, strict=True))
        assert all(table.data_ptr() % 64 == 0 for table in theirs.tensors), (
            "where they start can change last bits"
        )
    for batch in (1, 2, 9):
        coefficients = first.analysis(field := torch.randn(batch, 24, 48))
        assert torch.equal(coefficients, again.analysis(field))
        assert torch.equal(first.synthesis(coefficients), again.synthesis(coefficients))


@pytest.mark.usefixtures("every_table_is_cached")
def test_tables_of_another_kind_are_not_taken(no_building):
    _large()
    no_building()
    for options in ({"dtype": torch.float64},):
        with pytest.raises(AssertionError, match="built again"):
            _large(**options)


@pytest.mark.usefixtures("every_table_is_cached")
def test_damaged_and_old_tables_are_built_again(caplog):
    expected = _large()
    (path,) = tables.cache_folder().iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        again = _large()
    assert "cannot be read" in caplog.text
    coefficients = random_coefficients(24, 24, dtype=torch.float32)
    assert torch.equal(again.synthesis(coefficients), expected.synthesis(coefficients))
    save_file({"0-0-even": torch.zeros(3)}, path, metadata={"format": "0"})
    assert torch.equal(_large().synthesis(coefficients), expected.synthesis(coefficients))
    # Files of the right format whose content is not what the name says.
    save_file({"0-0-even": torch.zeros(3)}, path, metadata={"format": tables._FORMAT})
    assert torch.equal(_large().synthesis(coefficients), expected.synthesis(coefficients))


@pytest.mark.usefixtures("every_table_is_cached")
def test_oldest_tables_make_room(monkeypatch):
    _large()
    (first,) = tables.cache_folder().iterdir()
    os.utime(first, (0, 0))
    monkeypatch.setattr(tables, "LIMIT_BYTES", int(first.stat().st_size * 2.5))
    _large(dtype=torch.float64)  # twice the size
    assert [path.name for path in tables.cache_folder().iterdir()] == [
        first.name.replace("float32", "float64")
    ]


@pytest.mark.usefixtures("every_table_is_cached")
def test_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ATMODIST_CACHE", str(tmp_path / "file"))
    assert _large().truncation == 23


def test_cache_folder_follows_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("ATMODIST_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tables.cache_folder() == tmp_path / "atmodist"


def test_small_tables_are_not_kept():
    _large()
    assert not tables.cache_folder().exists()


def test_size_of_the_largest_tables():
    """1280 rows at T639 must stay under 0.6 GB: counted without building them, from every sixteenth block."""
    block = tables._block(colatitudes(1280, "cell-centred")[:640], 639, 0, 32, torch.float32, False)
    bytes_of_first = sum(part.numel() * part.element_size() for pair in block for part in pair)
    # Degrees fall linearly with the order, from 640 in the first block to none: half of the first one on average.
    assert bytes_of_first * 20 * (0.5 + 0.5 / 20) < 0.6e9


def test_one_transform_per_set_of_arguments(monkeypatch):
    monkeypatch.setattr(registry, "_transforms", registry._transforms.__class__())
    first = get_transform(8, 16, 5)
    assert get_transform(8, 16, 5) is first
    assert get_transform(8, 16, 5, dtype=torch.float32, device=torch.device("cpu")) is first
    assert get_transform(8, 16, 5, dtype=torch.float64) is not first
    assert get_transform(8, 16, 4) is not first
    assert get_transform(8, 16, 5, radius_m=1.0) is not first
    for truncation in range(5):
        get_transform(8, 16, truncation, "cell-centred")
    assert get_transform(8, 16, 5) is not first, "the eight used last are kept"


def test_transforms_are_shared_between_threads(monkeypatch):
    monkeypatch.setattr(registry, "_transforms", registry._transforms.__class__())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: get_transform(12, 24, 9, dtype=torch.float64), range(8)))
        assert all(transform is found[0] for transform in found)
        coefficients = random_coefficients(8, 10, 10)
        fields = list(pool.map(found[0].synthesis, coefficients))
    assert relative_error(torch.stack(fields), found[0].synthesis(coefficients)) < 1e-14


def test_keeping_freed_memory_says_whether_it_could():
    assert keep_freed_memory() in (True, False)
