"""The plan of an evaluation: everything that a worker on another machine needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.run.models import Precision


@dataclass(frozen=True)
class EvaluationPlan:
    """Models, data, times and statistics of an evaluation.

    Parameters
    ----------
    models : tuple of str
        Names or folders of downscalers, or ``label=folder``.
    data : tuple of str
        Anything that :func:`atmodist_core.open_fields` reads, or "demo"; each is a member of its own.
    out : Path
        Folder of the statistics; all workers must see it.
    period : tuple of str
        First and last date, one date, or nothing for all; or first and last date of each of several data.
    region : str, optional
        Name of a region; the whole area of the data by default.
    every_hours, cities_every_hours : int
        See :class:`~atmodist_core.evaluation.run.member_run.Selection`.
    distance, distance_layers
        Name or folder of a distance network, or "none", and its layers for distances to the truth; the last by default.
    maps, series : bool
        Whether to make maps of moments, and SSIM and PSNR over time.
    latitude_edges : tuple of float
        Edges of belts of latitude for the power of the band; none by default.
    members, member_seed : int
        Verify ensembles of so many members (0 for none), and the seed of their noise; single fields count as one member.
    lag_pairs, seed : int
        Pairs of patches at each time on which the distance network itself is evaluated (0 for none), and their seed.
    truncate : bool
        Truncate results at the truncation that the data state.
    fields : tuple of str
        Fields, such as ``temperature@850``; by default those of the models and the distance network.
    level, factor, device, precision
        As for :func:`atmodist_core.load_downscaler` and :func:`atmodist_core.open_fields`.
    torch_threads : int
        Threads of the networks in each worker; 0 leaves them as they are.
    """

    models: tuple[str, ...]
    data: tuple[str, ...]
    out: Path
    period: tuple[str, ...] = ()
    region: str | None = None
    every_hours: int = 0
    cities_every_hours: int = 0
    distance: str = "none"
    distance_layers: tuple[str, ...] = ()
    maps: bool = True
    series: bool = True
    latitude_edges: tuple[float, ...] = ()
    members: int = 0
    member_seed: int = 0
    lag_pairs: int = 0
    seed: int = 0
    truncate: bool = False
    fields: tuple[str, ...] = ()
    level: str | None = None
    factor: int | None = None
    device: str | None = None
    precision: Precision = "float32"
    torch_threads: int = 0

    def __post_init__(self) -> None:
        """Raise ``UserError`` for no model or data, more than two dates, or a negative number."""
        if not self.models or not self.data:
            raise UserError("Expected at least one model and one data set, found none; see --help.")
        if len(self.period) > 2 and len(self.period) != 2 * len(self.data):
            raise UserError(
                f"Expected one or two dates after --period, or two for each of {len(self.data)} data, found {len(self.period)}."
            )
        for name, least in (
            ("every_hours", 0),
            ("cities_every_hours", -1),
            ("lag_pairs", 0),
            ("members", 0),
            ("member_seed", 0),
        ):
            if getattr(self, name) < least:
                raise UserError(
                    f"Expected --{name.replace('_', '-')} {least} or more, found {getattr(self, name)}."
                )
        if self.members == 1:
            raise UserError("Expected --members 0 for none, or 2 or more, found 1; 8 is usual.")

    @property
    def periods(self) -> list[tuple[str, ...]]:
        """Period of each of the data."""
        if len(self.period) <= 2:
            return [self.period] * len(self.data)
        return [self.period[first : first + 2] for first in range(0, len(self.period), 2)]
