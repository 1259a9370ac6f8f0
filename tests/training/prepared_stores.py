"""Small sources on disk, stores made of them, and their bytes."""

import dataclasses
from pathlib import Path

import xarray as xr

from atmodist_core.training.settings.prepare_configuration import PrepareConfig
from atmodist_core.training.store.store_writing import prepare_store

# Tiles of 16 x 16 points on a grid of 47 x 96: the southern edge is filled up. Eight times in a shard.
SMALL = PrepareConfig(
    tile=20, shard_megabytes=0.15, validation_fraction=0.25, gap_hours=6.0, workers=2, progress=False
)


def write_sources(weather: xr.Dataset, folder: Path) -> list[str]:
    """Two members as files, 40 and 20 times on 47 rows of latitude."""
    paths = []
    for name, times in (("one", slice(0, 40)), ("two", slice(40, 60))):
        paths.append(str(folder / f"{name}.nc"))
        weather.isel(time=times, latitude=slice(0, 47)).to_netcdf(paths[-1], engine="h5netcdf")
    return paths


def prepared(sources: list[str], out: Path, **changes: object) -> Path:
    """A complete store."""
    config = dataclasses.replace(SMALL, data=tuple(sources), out=out, **changes)
    assert prepare_store(config)
    return out


def bytes_of(store: Path) -> dict[str, bytes]:
    """Content of every file."""
    return {
        str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()
    }
