"""The open archives that can be downloaded from without an account, and the layout expected in each."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from atmodist_core.fields.canonical.archives import CITATION


@dataclass(frozen=True)
class ArchiveStore:
    """One Zarr store of an archive: two variables, and the largest absolute value that they can have."""

    path: str
    variables: tuple[str, str]
    level_dimension: str
    dimensions: tuple[str, ...]
    units: str
    largest: float


@dataclass(frozen=True)
class DownloadSource:
    """An archive: winds on pressure levels, and perhaps spherical-harmonic coefficients of model levels."""

    name: str
    title: str
    winds: ArchiveStore
    coefficients: ArchiveStore | None = None
    host: str = "https://storage.googleapis.com"
    citation: str = CITATION


def _winds(path: str) -> ArchiveStore:
    return ArchiveStore(
        path=path,
        variables=("u_component_of_wind", "v_component_of_wind"),
        level_dimension="level",
        dimensions=("latitude", "longitude"),
        units="m s**-1",
        largest=300.0,
    )


_WEATHERBENCH = "weatherbench2/datasets/era5/1959-2023_01_10"

SOURCES = MappingProxyType(
    {
        source.name: source
        for source in (
            DownloadSource(
                name="arco-era5",
                title="ERA5, hourly, from ARCO-ERA5",
                winds=_winds("gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3"),
                coefficients=ArchiveStore(
                    path="gcp-public-data-arco-era5/co/model-level-wind.zarr-v2",
                    variables=("vo", "d"),
                    level_dimension="hybrid",
                    dimensions=("values",),
                    units="s**-1",
                    largest=0.01,
                ),
            ),
            DownloadSource(
                name="weatherbench2",
                title="ERA5, 6-hourly on 13 levels, from WeatherBench 2",
                winds=_winds(f"{_WEATHERBENCH}-wb13-6h-1440x721_with_derived_variables.zarr"),
            ),
            DownloadSource(
                name="weatherbench2-coarse",
                title="ERA5, 6-hourly means over 1.5-degree cells, from WeatherBench 2",
                winds=_winds(f"{_WEATHERBENCH}-6h-240x121_equiangular_with_poles_conservative.zarr"),
            ),
        )
    }
)
"""Every archive by the name that ``--source`` takes."""
