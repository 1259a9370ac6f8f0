"""Missing chunks of Zarr stores: noted on opening, and never read as numbers."""

import numpy as np
import pytest
import zarr

from atmodist_core.common.errors import UserError
from atmodist_core.fields import open_fields
from tests.fields import layouts
from tests.fields.mistakes import error_of


def store(folder, fill, zarr_format=3, dtype="f4"):
    path = folder / f"store{zarr_format}.zarr"
    u, v, _, _ = layouts.flow_arrays(layouts.LATITUDE, layouts.LONGITUDE, layouts.TIMES)
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    axes = {"time": np.arange(4), "latitude": layouts.LATITUDE, "longitude": layouts.LONGITUDE}
    for name, values in {**axes, "u": u.values, "v": v.values}.items():
        dimensions = tuple(axes) if name in "uv" else (name,)
        attributes = {
            "units": {"time": "days since 2020-01-01", "u": "m s-1", "v": "m s-1"}.get(name, "degrees")
        }
        extra = {"dimension_names": dimensions}
        if zarr_format == 2:
            extra, attributes = {}, {**attributes, "_ARRAY_DIMENSIONS": list(dimensions)}
        array = group.create_array(
            name,
            shape=values.shape,
            chunks=(1, *values.shape[1:]) if name in "uv" else values.shape,
            dtype=dtype if name in "uv" else values.dtype,
            fill_value=fill if name in "uv" else -999,
            attributes=attributes,
            **extra,
        )
        array[:] = values
    return path


def test_missing_chunks_that_would_read_as_zeros(tmp_path):
    path = store(tmp_path, 0.0)
    (path / "u" / "c" / "2" / "0" / "0").unlink()
    fields = open_fields(path)
    assert (
        "1 of 4 stored chunks of 'u' are missing (the first is u/c/2/0/0); reading them is refused"
        in fields.attrs["notes"]
    )
    fields.isel(time=[0, 1, 3]).load()
    with pytest.raises(UserError, match="Expected the chunk u/c/2/0/0 of the Zarr store"):
        fields.isel(time=2).load()
    assert "missing" not in open_fields(path, time="2020-01-01").attrs["notes"], "only what is selected"


@pytest.mark.parametrize(("zarr_format", "chunk"), [(2, "2.0.0"), (3, "c/2/0/0")])
def test_missing_chunks_that_read_as_missing_values(zarr_format, chunk, tmp_path):
    path = store(tmp_path, np.nan, zarr_format)
    (path / "u" / chunk).unlink()
    fields = open_fields(path)
    assert f"1 of 4 stored chunks of 'u' are missing (the first is u/{chunk})" in fields.attrs["notes"]
    with pytest.raises(UserError, match="Expected values of u everywhere on the globe"):
        fields.isel(time=2).load()


def test_missing_chunks_of_a_remote_store_are_refused_when_read(tmp_path):
    import fsspec

    path = store(tmp_path, 0.0)
    (path / "v" / "c" / "1" / "0" / "0").unlink()
    memory = fsspec.filesystem("memory")
    memory.put(str(path), "/incomplete.zarr", recursive=True)
    try:
        fields = open_fields("memory://incomplete.zarr")
        with pytest.raises(UserError, match="Expected the chunk v/c/1/0/0"):
            fields.isel(time=1).load()
    finally:
        memory.rm("/incomplete.zarr", recursive=True)


def test_missing_chunks_of_a_simulated_store(tmp_path):
    from atmodist_core.fields.open.coefficient_store import CoefficientWriter

    writer = CoefficientWriter(tmp_path / "member", 5, {"source": "test", "level": "sigma 0.883"}, 2)
    coefficients = np.zeros((4, 6, 6), complex)
    writer.write(0, layouts.TIMES, {"vorticity": coefficients, "divergence": coefficients})
    assert not open_fields(tmp_path / "member").vorticity.values.any(), "zeros are written, not left out"
    (tmp_path / "member" / "divergence_values" / "c" / "1" / "0").unlink()
    assert "1 of 2 chunks missing" in error_of(tmp_path / "member")
