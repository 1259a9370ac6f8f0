"""Draw a figure of the page without the page: from a link of it, the same numbers and the same figure.

python train/figure.py --link "?view=maps&data=demo&time=2001-01-05T03:00&region=Europe&methods=bicubic,srgan-4x-atmodist" --out figure.pdf
    [--numbers numbers.nc] [--data folder] [--dark]
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
class FigureConfig:
    """What to draw, and where to write it."""

    link: str = "?view=maps"
    """Link of the page, or what follows its question mark."""

    out: Path = Path("figure.png")
    """File of the figure; the name ends in .png, .svg or .pdf."""

    numbers: Path | None = None
    """NetCDF file for the numbers behind the figure."""

    data: Path | None = None
    """Folder of data sets, as for the page; that of ATMODIST_DATA by default."""

    dpi: float = 200.0
    """Dots per inch of png and of pictures within svg and pdf."""

    dark: bool = False
    """Light lines on a dark ground."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(FigureConfig, {"default": FigureConfig()}, arguments, "python train/figure.py")
    kind = config.out.suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise UserError(f"Expected --out to end in .png, .svg or .pdf, found {config.out.name!r}.")
    for path in filter(None, (config.out, config.numbers)):
        if not path.resolve().parent.is_dir():
            raise UserError(
                f"Expected an existing folder for {path.name}, found none at {path.resolve().parent}."
            )
    if config.data is not None:
        os.environ["ATMODIST_DATA"] = str(config.data.resolve())
    # Only now, since torch takes seconds to import: a wrong path is told at once.
    from atmodist_core.figures import DARK, PUBLICATION, figure_bytes
    from atmodist_core.figures.numbers.compute import numbers_of
    from atmodist_core.figures.numbers.request import FigureRequest
    from atmodist_core.figures.views import figure_of

    numbers = numbers_of(FigureRequest.from_link(config.link), lambda what: print(what, file=sys.stderr))
    figure = figure_of(numbers, DARK if config.dark else PUBLICATION)
    config.out.write_bytes(figure_bytes(figure, kind, dpi=config.dpi))
    print(config.out)
    if config.numbers is not None:
        config.numbers.write_bytes(numbers.netcdf({"link": config.link}))
        print(config.numbers)
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
