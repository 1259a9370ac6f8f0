"""The settings of ``train/prepare.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atmodist_core.fields.canonical.channels import channel_names

StoreType = Literal["float16", "float32"]


@dataclass(frozen=True)
class PrepareConfig:
    """Settings of a training store."""

    preset: str = "default"
    """Name of the preset the settings started from."""
    data: tuple[str, ...] = ()
    """Fields, as open_fields reads them (paths or addresses); each is one member (one unbroken series)."""
    validation: tuple[str, ...] = ()
    """Members that are held out as a whole; without them the last part of every member is held out."""
    out: Path = Path("data/store")
    """Folder of the store."""
    level: str | None = None
    """Level, such as "850 hPa" or "hybrid 120"; default as open_fields chooses."""
    period: tuple[str, str] | None = None
    """First and last time, both included, such as 1979-01-01 1998-12-31."""
    every: int = 1
    """Take every n-th slice: 3 makes a three-hourly store from an hourly archive."""
    coarsen: int = 1
    """Average blocks of n x n points, weighted by area."""
    channels: tuple[str, ...] = ("vorticity", "divergence")
    """Fields to store, in this order (also --fields): vorticity, or temperature@850 for one at a level."""
    validation_fraction: float = 0.1
    """Share of every member held out at its end when no --validation is given."""
    gap_hours: float = 72.0
    """Hours left unused between the training and the held-out part of a member."""
    storage: StoreType = "float16"
    """float16, in units near the spread (relative error 0.05 %, half the size), or float32."""
    tile: int = 64
    """Side of the inner chunks, about [grid points]; it is fitted to the grid."""
    shard_megabytes: float = 128.0
    """Approximate size of a shard: one file, one unit of work, and the most a kill can lose."""
    scheduler: str = "threads"
    """threads, processes, or the address of a Dask scheduler, such as tcp://host:8786."""
    workers: int = 0
    """Shards at once; 0 takes one for every processor (or every worker of the cluster)."""
    retries: int = 5
    """How often a shard of a remote source is tried again, after 2, 4, 8 ... seconds."""
    resume: bool = False
    """Continue the store in --out."""
    progress: bool = True
    """Show a progress bar (a plain line a minute when the output is not a terminal)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", channel_names(self.channels))


FREE_TO_CHANGE = frozenset({"preset", "out", "scheduler", "workers", "retries", "resume", "progress"})
"""Settings that may differ on --resume: they do not change the store."""

PREPARE_PRESETS: dict[str, PrepareConfig] = {
    "default": PrepareConfig(),
    "era5": PrepareConfig(
        preset="era5",
        data=("gs://gcp-public-data-arco-era5/co/model-level-wind.zarr-v2",),
        out=Path("data/era5"),
        level="hybrid 120",
        period=("1979-01-01", "1998-12-31"),
        every=3,
        workers=16,
    ),
}
"""``era5``: the fields of the papers, 58,440 three-hourly slices of T639 on 1280 x 2560 points."""
