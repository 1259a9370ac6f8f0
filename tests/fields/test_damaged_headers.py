"""Files with flipped bits and lost or repeated bytes: a sentence, or a dataset of finite values; never a hang."""

import time
import zlib

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.mistakes import good_dataset

SECONDS = 20.0
"""Processor time that a variant may take; a good file takes a tenth of a second."""


def damaged(whole, seed, header_bytes):
    """One of four kinds of damage within the first bytes of a file."""
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    kind, place = seed % 4, int(rng.integers(4, min(header_bytes, len(data))))
    if kind == 0:
        data[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[place : place + 4] = rng.bytes(4)
    elif kind == 2:
        del data[place : place + int(rng.integers(1, 64))]
    else:
        data[place:place] = data[place : place + int(rng.integers(1, 64))]
    return bytes(data)


def check(path):
    """Open and load; a loaded field is canonical and finite, or its gaps are noted."""
    start = time.process_time()
    try:
        fields = open_fields(path).load()
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert np.all(np.diff(fields.latitude) < 0) and np.all(np.diff(fields.longitude) > 0)
        assert np.all(np.diff(fields.time.values) > np.timedelta64(0))
        finite = all(np.isfinite(fields[name].values).all() for name in ("vorticity", "divergence"))
        assert finite or "missing" in fields.attrs["notes"]
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("layout", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
def test_netcdf3(layout, seed, tmp_path):
    path = tmp_path / "data.nc"
    good_dataset().to_netcdf(path, engine="netcdf4", format=layout)
    path.write_bytes(damaged(path.read_bytes(), seed, 900))
    check(path)


@pytest.mark.parametrize("seed", range(24))
def test_netcdf4(seed, tmp_path):
    path = tmp_path / "data.nc"
    good_dataset().to_netcdf(path, engine="netcdf4")
    path.write_bytes(damaged(path.read_bytes(), seed, 8000))
    check(path)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("build", [layouts.grib_grid, layouts.grib_spectral])
def test_grib(build, seed, tmp_path):
    pytest.importorskip("eccodes")
    path = build(tmp_path)
    path.write_bytes(damaged(path.read_bytes(), seed, 200))
    check(path)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("build", [layouts.ecmwf_datacube, layouts.weatherbench2])
def test_zarr(build, seed, tmp_path):
    store = build(tmp_path)
    files = sorted(file for file in store.rglob("*") if file.is_file() and file.stat().st_size > 16)
    path = files[zlib.crc32(str(seed).encode()) % len(files)]
    path.write_bytes(damaged(path.read_bytes(), seed, 4000))
    check(store)


@pytest.mark.parametrize("seed", range(12))
def test_zip(seed, tmp_path):
    path = layouts.zip_of_files(tmp_path)
    path.write_bytes(damaged(path.read_bytes(), seed, 400))
    check(path)
