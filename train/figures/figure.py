"""Draw a figure of the page without the page, or a movie of its maps: from a link of it, the same numbers and the same figure.

python train/figures/figure.py --link "?view=maps&data=demo&time=2001-01-05T03:00&region=Europe&methods=bicubic,srgan-4x-atmodist" --out figure.pdf
    [--numbers numbers.nc] [--data folder] [--dark]
python train/figures/figure.py --link "?data=demo&region=Europe&methods=bicubic,srgan-4x-atmodist" --movie mp4 --start 2001-01-05 --end 2001-01-07
    [--every 2] [--frames-per-second 6] [--out movie.mp4]
"""

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

sys.path.insert(
    0, str(Path(__file__).resolve().parents[2])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import UserError
from train import _cli


@dataclasses.dataclass(frozen=True)
class FigureConfig:
    """What to draw, and where to write it."""

    link: str = "?view=maps"
    """Link of the page, or what follows its question mark."""

    out: Path | None = None
    """File of the figure, figure.png by default; the name ends in .png, .svg or .pdf. For a movie, movie.mp4 or movie.gif."""

    movie: Literal["none", "mp4", "gif"] = "none"
    """Make a movie of the maps through a period in place of a figure. MP4 needs imageio-ffmpeg."""

    start: str = ""
    """First date of the movie, as 2001-01-05 or 2001-01-05T06:00; the first of the period in the link, or of the data."""

    end: str = ""
    """Last date of the movie, included."""

    every: int = 0
    """Take every so many times for the movie; those of the link by default."""

    frames_per_second: float = 6.0
    """Speed of the movie."""

    numbers: Path | None = None
    """NetCDF file for the numbers behind the figure."""

    data: Path | None = None
    """Folder of data sets, as for the page; that of ATMODIST_DATA by default."""

    dpi: float = 200.0
    """Dots per inch of png, of movies, and of pictures within svg and pdf."""

    dark: bool = False
    """Light lines on a dark ground."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        FigureConfig, {"default": FigureConfig()}, arguments, "python train/figures/figure.py"
    )
    is_movie = config.movie != "none"
    out = config.out or Path(f"movie.{config.movie}" if is_movie else "figure.png")
    if is_movie and out.suffix.lower() != f".{config.movie}":
        raise UserError(f"Expected --out of a movie to end in .{config.movie}, found {out.name!r}.")
    if not is_movie and out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UserError(
            f"Expected --out to end in .png, .svg or .pdf, found {out.name!r}; for a movie give --movie."
        )
    if is_movie and config.numbers is not None:
        raise UserError("Expected --numbers for a figure only, found it with --movie; leave it out.")
    for path in filter(None, (out, config.numbers)):
        if not path.resolve().parent.is_dir():
            raise UserError(
                f"Expected an existing folder for {path.name}, found none at {path.resolve().parent}."
            )
    if config.data is not None:
        os.environ["ATMODIST_DATA"] = str(config.data.resolve())
    return _write_movie(config, out) if is_movie else _write_figure(config, out)


def _write_figure(config: FigureConfig, out: Path) -> int:
    # Only now, since torch takes seconds to import: a wrong path is told at once.
    from atmodist_core.figures import DARK, PUBLICATION, figure_bytes
    from atmodist_core.figures.numbers.compute import numbers_of
    from atmodist_core.figures.numbers.request import FigureRequest
    from atmodist_core.figures.views import figure_of

    numbers = numbers_of(FigureRequest.from_link(config.link), lambda what: print(what, file=sys.stderr))
    figure = figure_of(numbers, DARK if config.dark else PUBLICATION)
    out.write_bytes(figure_bytes(figure, out.suffix.lstrip(".").lower(), dpi=config.dpi))
    print(out)
    if config.numbers is not None:
        config.numbers.write_bytes(numbers.netcdf({"link": config.link}))
        print(config.numbers)
    return _cli.EXIT_OK


def _write_movie(config: FigureConfig, out: Path) -> int:
    from tqdm import tqdm

    from atmodist_core.common.errors import Cancelled
    from atmodist_core.figures import DARK, PUBLICATION
    from atmodist_core.figures.movies.study_movie import write_study_movie
    from atmodist_core.figures.numbers.request import FigureRequest

    request = FigureRequest.from_link(config.link)
    stop = _cli.stop_requests("Stopping; no movie is written")
    bar = tqdm(total=1.0, bar_format="{l_bar}{bar}| {postfix} [{elapsed}<{remaining}]")

    def show(fraction: float, message: str) -> None:
        bar.set_postfix_str(message, refresh=False)
        bar.update(fraction - bar.n)

    try:
        with bar:
            write_study_movie(
                request,
                out,
                start=config.start,
                end=config.end,
                every=config.every or request.step,
                style=DARK if config.dark else PUBLICATION,
                dpi=config.dpi,
                frames_per_second=config.frames_per_second,
                progress=show,
                cancel=stop,
            )
    except Cancelled:
        return _cli.EXIT_INTERRUPTED
    print(out)
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
