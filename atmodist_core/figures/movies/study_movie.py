"""Movies from a link of the page: the maps that it shows, through a period."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.fields.canonical.channels import has_own_range
from atmodist_core.figures.maps.field_maps import scale_limits
from atmodist_core.figures.movies.movie import MOST_FRAMES, MovieFrame, check_movie, sampled, write_movie
from atmodist_core.figures.numbers.compute import Study
from atmodist_core.figures.numbers.request import FigureRequest


def movie_times(
    times: Sequence[str], start: str = "", end: str = "", every: int = 1, most: int = MOST_FRAMES
) -> list[str]:
    """Return the times of a movie: every so many from ``start`` to ``end``, both included.

    Parameters
    ----------
    times : sequence of str
        Times of the data, in order, as ``2001-01-05T03:00``.
    start, end : str
        First and last date, to the day or to the minute; all of the data where they are empty. A day as ``end`` includes
        all of its times.
    every : int
    most : int
        Largest number of times.

    Raises
    ------
    UserError
        If there is none, or more than ``most``.

    Examples
    --------
    >>> movie_times(["2001-01-05T00:00", "2001-01-05T12:00", "2001-01-06T00:00"], end="2001-01-05")
    ['2001-01-05T00:00', '2001-01-05T12:00']
    """
    first, last = (text.strip().replace(" ", "T") for text in (start or times[0], end or times[-1]))
    # A date that is shorter than the texts of the data stands for all of that day or hour.
    found = [time for time in times if time >= first and time[: len(last)] <= last]
    if not found:
        raise UserError(
            f"Expected times of the data ({times[0]} to {times[-1]}) in the period of the movie, found none from {first} to {last}; correct the dates."
        )
    found = found[:: max(1, every)]
    check_movie("mp4", len(found), most=most)
    return found


def movie_panels(states: Mapping[str, xr.Dataset], coarse: xr.Dataset, field: str) -> dict[str, xr.DataArray]:
    """Return the panels of a frame in the order of the figure of the maps: coarse input, truth, models."""
    return {name: ds[field].isel(time=0, drop=True) for name, ds in {"coarse": coarse, **states}.items()}


def truth_limit(fields: Iterable[xr.DataArray]) -> float | None:
    """Return the end of the colour scale of a movie: the largest over time of the quantile that a single figure ends at.

    There is none for fields such as temperature, whose first frame sets both ends.
    """
    ends = []
    for field in fields:
        if has_own_range(str(field.name)):
            return None
        ends.append(scale_limits([field])[1])
    return max(ends)


def write_study_movie(
    request: FigureRequest,
    path: Path,
    *,
    start: str = "",
    end: str = "",
    every: int = 1,
    frames_per_second: float = 6.0,
    **options: Any,
) -> tuple[int, int]:
    """Compute the maps of a request at the times of a period, and write them as a movie.

    Parameters
    ----------
    request : FigureRequest
        Data, region, field, methods, and where ``limit`` is set the end of the colour scale; by default that of the truth
        at some times of the period.
    path : pathlib.Path
        File whose name ends in .mp4 or .gif.
    start, end, every
        See :func:`movie_times`; by default the period of the request. Dates are those of the calendar of the data, as the
        movie shows them.
    frames_per_second, **options
        Options of :func:`atmodist_core.figures.movies.movie.write_movie` but ``limit`` and ``caption``.

    Returns
    -------
    height, width : int
        Size of the frames [pixels].

    Raises
    ------
    UserError
        For data, times or models that do not exist, and as ``write_movie`` does.
    Cancelled
        If ``cancel`` said so.
    """
    study = Study(replace(request, view="maps"))
    by_date = {study.dates.date(time): time for time in study.times}
    first, last = map(study.dates.date, request.times or ("", ""))
    times = [by_date[date] for date in movie_times(list(by_date), start or first, end or last, every)]
    check_movie(path.suffix.lstrip(".").lower(), len(times), frames_per_second)
    field = request.field

    def frames() -> Iterator[MovieFrame]:
        for time in times:
            states, coarse = study.states(time, field)
            yield MovieFrame(study.dates.words(time), movie_panels(states, coarse, field))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        limit = study.field_limit
        if limit is None:
            limit = truth_limit(_truths(study, sampled(times), field))
        return write_movie(
            path,
            frames(),
            len(times),
            limit=limit,
            caption=study.caption(study.dates.span(times), field),
            frames_per_second=frames_per_second,
            **options,
        )


def _truths(study: Study, times: Sequence[str], field: str) -> Iterator[Any]:
    for time in times:
        yield study.truth(time, field)[field]
