"""Score what fills gaps against the truth, inside the gaps alone: interpolations, networks and ensembles, with intervals.

python train/applications/gap_scores.py --data demo --period 2001-01-24 2001-01-30 --models harmonic gaps-mse gaps-atmodist-ensemble
    [--members 8] [--every-hours 6] [--distance atmodist-23] [--markdown docs/gaps.md --name gaps] [--out runs/gap-scores]

Writes <out>/gap_scores.nc, <out>/gap_scores.md and a picture of one area, <out>/gap_scores.png.
"""

import dataclasses
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class GapScoresConfig:
    """What fills gaps, and where it is scored."""

    models: tuple[str, ...] = ("nearest", "harmonic", "gaps-mse", "gaps-atmodist", "gaps-atmodist-ensemble")
    """Interpolations, names or folders of models, or label=folder."""
    data: str = "demo"
    """Any source that open_fields reads, without gaps of its own, or "demo"."""
    level: str | None = None
    """Level, where there are several."""
    period: tuple[str, ...] = ()
    """First and last date, both included, or one date; everything by default."""
    every_hours: int = 6
    """Use times that are a multiple of so many hours; 0 takes every time."""
    areas: int = 4
    """Areas at each time; each gets a gap of every shape."""
    size: int = 64
    """Points along a side of an area."""
    shapes: tuple[str, ...] = ("blocks", "stripes", "corner")
    """Shapes of the gaps."""
    members: int = 8
    """Members that ensembles draw."""
    distance: str = "atmodist-23"
    """Distance network that filled and true areas are compared by; none leaves it out."""
    block_days: int = 2
    """Length of the blocks of days that are resampled for intervals."""
    replicates: int = 1000
    """Number of resamplings; 0 for no intervals."""
    seed: int = 0
    """Seed of places, gaps, noise and resampling."""
    out: Path = Path("runs/gap-scores")
    """Folder of the results."""
    name: str = "gaps"
    """Name of the tables in a document."""
    markdown: Path | None = None
    """Document in which the tables <name>-errors, <name>-structure and <name>-shapes between markers are replaced."""
    picture: bool = True
    """Draw one area with each shape of gap."""
    progress: bool = True
    """Show a progress bar."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        GapScoresConfig, {"default": GapScoresConfig()}, arguments, "python train/applications/gap_scores.py"
    )
    for name in ("areas", "size", "members"):
        if getattr(config, name) < 1:
            raise UserError(f"Expected --{name} of 1 or more, found {getattr(config, name)}.")
    if config.markdown is not None and not config.markdown.is_file():
        raise UserError(f"Expected a document at --markdown {config.markdown}, found none.")
    import atmodist_core as ad
    from atmodist_core.evaluation.bootstrap import Bootstrap
    from atmodist_core.evaluation.gaps.gap_scores import FIELDS, example_areas, gap_measures, gap_sums
    from atmodist_core.evaluation.gaps.gap_tables import gap_tables
    from atmodist_core.evaluation.results.marked_tables import write_tables
    from atmodist_core.training.records.logs import reading_progress

    bootstrap = Bootstrap(config.block_days, config.replicates, seed=config.seed)
    fillers = {label: ad.load_gap_filler(model) for label, model in map(_labelled, config.models)}
    distance = None if config.distance == "none" else ad.load_distance(config.distance)
    fields = _fields(config)
    with reading_progress(config.progress) as progress:
        sums = gap_sums(
            fields,
            fillers,
            distance,
            areas=config.areas,
            size=config.size,
            shapes=config.shapes,
            members=config.members,
            seed=config.seed,
            progress=progress,
        )
    measures = gap_measures(sums, bootstrap)
    tables = {f"{config.name}-{name}": table for name, table in gap_tables(measures).items()}
    config.out.mkdir(parents=True, exist_ok=True)
    measures.to_netcdf(config.out / "gap_scores.nc")
    text = "\n\n".join(tables.values()) + "\n"
    (config.out / "gap_scores.md").write_text(text, encoding="utf-8")
    if config.picture:
        from atmodist_core.figures import figure_bytes
        from atmodist_core.figures.training import patch_figure

        panels = example_areas(fields, fillers, size=config.size, shapes=config.shapes, seed=config.seed)
        # Long names of models in two lines: columns are narrow.
        scaled = {textwrap.fill(name, 14): 1e5 * values for name, values in panels.items()}
        figure = patch_figure(scaled, FIELDS, unit="1e-5 s-1")
        (config.out / "gap_scores.png").write_bytes(figure_bytes(figure, "png"))
    if config.markdown is not None:
        write_tables(
            config.markdown, tables, f"python train/applications/gap_scores.py {shlex.join(arguments)}"
        )
    print(text)
    return _cli.EXIT_OK


def _labelled(model: str) -> tuple[str, str]:
    label, equals, folder = model.partition("=")
    return (label, folder) if equals else (Path(model).name, model)


def _fields(config: GapScoresConfig) -> "xr.Dataset":
    import numpy as np

    import atmodist_core as ad
    from atmodist_core.fields.canonical.time_selection import time_indices

    fields = ad.open_demo() if config.data == "demo" else ad.open_fields(config.data, level=config.level)
    if config.period:
        fields = fields.isel(
            time=time_indices(fields["time"].values, slice(config.period[0], config.period[-1]))
        )
    if config.every_hours:
        hours = fields["time"].values.astype("datetime64[h]").astype(np.int64)
        fields = fields.isel(time=np.flatnonzero(hours % config.every_hours == 0))
    if not fields.sizes["time"]:
        raise UserError("Expected times in the period, found none; choose another --period or --every-hours.")
    return fields


if __name__ == "__main__":
    _cli.run(main)
