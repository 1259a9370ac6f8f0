"""Compute the values of methods at the 150 cities over a period once, for the view Cities: with them it shows every time at once.

python train/cities.py --data demo --out assets/results/demo_cities.nc
    [--folder data] [--methods bicubic srgan-4x-atmodist] [--period 2001-01-01T00:00/2001-01-31T00:00] [--step 2]

The file's format is described in atmodist_core/figures/numbers/city_store.py. The page takes a file in assets/results by itself for the same data set, until a
model in it is replaced by another version.
"""

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import UserError
from train import _cli


@dataclasses.dataclass(frozen=True)
class CitiesConfig:
    """What to compute, and where to write it."""

    data: str = "demo"
    """Data set: demo, or the name of a file or store in the folder of data sets."""

    out: Path = Path("cities.nc")
    """NetCDF file to write."""

    folder: Path | None = None
    """Folder of data sets, as for the page; that of ATMODIST_DATA by default."""

    level: str = ""
    """Level, where the data have several."""

    methods: tuple[str, ...] = ()
    """Methods beside the truth; both interpolations and all downscalers found by default."""

    period: str = ""
    """First and last time, as 2001-01-01T00:00/2001-01-31T00:00; all of the data by default."""

    step: int = 1
    """Every so many times of the period."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(CitiesConfig, {"default": CitiesConfig()}, arguments, "python train/cities.py")
    if not config.out.resolve().parent.is_dir() or config.out.suffix != ".nc":
        raise UserError(f"Expected --out in an existing folder and to end in .nc, found {config.out.name!r}.")
    if config.step < 1:
        raise UserError(f"Expected --step of 1 or more, found {config.step}.")
    if config.folder is not None:
        os.environ["ATMODIST_DATA"] = str(config.folder.resolve())
    # Only now, since torch takes seconds to import: a wrong path is told at once.
    import warnings

    from atmodist_core.common.errors import AtmodistWarning
    from atmodist_core.fields.grid.interpolation import KERNELS
    from atmodist_core.figures.numbers.city_store import write_city_values
    from atmodist_core.figures.numbers.compute import Study
    from atmodist_core.figures.numbers.compute_cities import computed_series
    from atmodist_core.figures.numbers.request import FigureRequest

    request = FigureRequest(
        view="cities",
        data=config.data,
        level=config.level,
        period=config.period,
        step=config.step,
        methods=config.methods,
    )
    study = Study(request, progress=lambda what: print(what, flush=True))
    trained = [
        name
        for name, card in study.cards.items()
        if card.kind == "downscaler" and card.factor == study.factor
    ]
    methods = list(config.methods) or [*KERNELS, *trained]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        series = computed_series(study, [], "all", len(study.period), methods)
    write_city_values(series, config.out)
    print(
        f"Wrote {series.sizes['time']} times of {', '.join(map(str, series['method'].values))} to {config.out}"
    )
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
