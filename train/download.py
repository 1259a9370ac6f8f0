"""Download a few days of ERA5 without an account into one store that open_fields and the page read.

python train/download.py --start 2020-01-01 --days 3 --source arco-era5 --out data/era5 [--level 850 [--box N W S E]] [--yes]
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from atmodist_core.common.errors import Cancelled, UserError
from atmodist_core.fields.download.request import DownloadRequest
from train import _cli

_SECONDS_BETWEEN_LINES = 20.0


@dataclasses.dataclass(frozen=True)
class DownloadCommand:
    """Settings of a download. The same command continues one that was interrupted."""

    start: str = ""
    """First time, UTC, such as 2020-01-01 or 2020-01-01T06."""
    days: float = 1.0
    """Number of days from there."""
    source: str = "arco-era5"
    """Archive: arco-era5 (hourly), weatherbench2 (6-hourly, 13 levels), weatherbench2-coarse (1.5 degrees)."""
    level: float | None = None
    """Pressure level of winds [hPa]. Without it and --box, arco-era5 gives the coefficients of model level 120."""
    model_level: int | None = None
    """Model level, as spherical-harmonic coefficients of vorticity and divergence (arco-era5 only)."""
    box: tuple[float, float, float, float] | None = None
    """North, west, south, east of the winds to keep [degrees]; the globe by default."""
    every_hours: int | None = None
    """Spacing of the times; that of the archive by default."""
    out: Path = Path("data/era5")
    """The new store; name it inside the folder that the page offers."""
    yes: bool = False
    """Start without asking."""
    connections: int = 2
    """Chunks fetched at a time; a chunk of winds at 0.25 degrees on 37 levels takes 154 MB of memory."""
    retries: int = 5
    """How often a chunk that fails is tried again, after 1, 2, 4, ... seconds."""
    mirror: str | None = None
    """Address that takes the place of https://storage.googleapis.com."""
    progress: bool = True
    """Show the progress."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        DownloadCommand, {"default": DownloadCommand()}, arguments, "python train/download.py"
    )
    if not 1 <= command.connections <= 16 or not 0 <= command.retries <= 100:
        raise UserError(
            f"Expected --connections from 1 to 16 and --retries from 0 to 100, found {command.connections} and"
            f" {command.retries}; choose others."
        )
    names = [field.name for field in dataclasses.fields(DownloadRequest)]
    request = DownloadRequest(**{name: getattr(command, name) for name in names})
    from atmodist_core.fields.download.archive import plan_download
    from atmodist_core.fields.download.writing import write_download

    plan = plan_download(request, command.mirror)
    print(plan.sentence(), flush=True)
    if not command.yes and not _agreed():
        print("Nothing was downloaded.")
        return _cli.EXIT_OK
    show = _Lines(command.progress)
    try:
        out = write_download(
            plan,
            command.out,
            connections=command.connections,
            retries=command.retries,
            progress=show,
            cancel=_cli.stop_requests("Stopping when the chunks being fetched have arrived"),
        )
    except Cancelled:
        print("Stopped; the same command continues.", file=sys.stderr)
        return _cli.EXIT_INTERRUPTED
    finally:
        show.close()
    print(
        f"The data are in {out}: atmodist_core.open_fields({str(out)!r}), or atmodist app --data {out.parent}."
    )
    print(request.archive.citation)
    return _cli.EXIT_OK


def _agreed() -> bool:
    """Whether the user agrees to the size; without a terminal the flag has to say so."""
    if not sys.stdin.isatty():
        raise UserError("Expected --yes where nobody can be asked, found no terminal; add it to start.")
    return input("Download? [y/N] ").strip().lower() in ("y", "yes")


class _Lines:
    """Progress: a bar on a terminal, a line every 20 seconds elsewhere."""

    def __init__(self, shown: bool) -> None:
        self._shown, self._last = shown, 0.0
        self._bar: Any = None

    def __call__(self, share: float, message: str) -> None:
        if not self._shown:
            return
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = self._bar or tqdm(
                total=100.0, bar_format="{l_bar}{bar}| {postfix} [{elapsed}<{remaining}]"
            )
            self._bar.set_postfix_str(message, refresh=False)
            self._bar.update(100.0 * share - self._bar.n)
        elif time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES or share == 1.0:
            self._last = time.monotonic()
            print(message, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()


if __name__ == "__main__":
    _cli.run(main)
