"""Movies of the maps through the period of a session."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

import atmodist_core as ad
from app.compute.control import Control
from app.export.captions import session_caption
from app.session.request import Request
from app.session.session import Session
from app.state.period import period_times
from atmodist_core.fields.canonical.channels import has_own_range, makes
from atmodist_core.figures.movies.movie import MovieFrame, check_movie, sampled, write_movie
from atmodist_core.figures.movies.study_movie import movie_panels, truth_limit
from atmodist_core.plots.look.units import field_unit

MOST_FRAMES = {"mp4": 240, "gif": 120}
"""Frames of a movie from the page: some minutes of work for one user among several, and files of some ten megabytes."""

DPI = 150
"""Dots per inch: frames are 1080 pixels wide."""

_ONE_AT_A_TIME = threading.Lock()
"""Drawing needs a core for itself: movies of several users are made one after the other."""

_PATIENCE_S = 0.3


@dataclass(frozen=True)
class MovieOrder:
    """A movie to be made; nothing in it changes while it is made."""

    kind: str
    request: Request
    times: tuple[str, ...]
    caption: str


def order_movie(session: Session, kind: str) -> MovieOrder:
    """Return the movie of the maps through the period chosen; raise a UserError if it has too many frames or no data are open."""
    data, state = session.data, session.state
    if data is None:
        raise ad.UserError("No data set is open yet; make the movie when its maps are shown.")
    times = tuple(data.time_texts[int(index)] for index in period_times(state.period, state.step, data))
    check_movie(kind, len(times), most=MOST_FRAMES[kind])
    when = f"{times[0]}/{times[-1]}"
    caption = session_caption(session, when, state.field, count=len(times), uses_distance=False)
    request = session.request()
    # Models of the maps, whichever view is in front.
    request.state.param.update(view="maps", layout="panels", field=state.field)
    return MovieOrder(kind, request, times, caption)


def make_movie(order: MovieOrder, control: Control) -> tuple[str, bytes]:
    """Return name and content of a movie, made in this thread.

    Fields come from the caches of the page, and networks wait for their turn, so that other users are not delayed. Raises
    ``Cancelled`` if the control says so.
    """
    control.announce(0.0, "Waiting for another movie")
    while not _ONE_AT_A_TIME.acquire(timeout=_PATIENCE_S):
        control.check()
    try:
        control.begin_stage(0.0, 0.05, "Colour scale")
        limit = _limit(order, control)
        control.begin_stage(0.05, 0.95, "Movie")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"atmodist-maps.{order.kind}"
            write_movie(
                path,
                _frames(order, control),
                len(order.times),
                limit=limit,
                caption=order.caption,
                dpi=DPI,
                progress=control.progress,
                cancel=control.cancelled,
            )
            return path.name, path.read_bytes()
    finally:
        _ONE_AT_A_TIME.release()


def _frames(order: MovieOrder, control: Control) -> Iterator[MovieFrame]:
    request, field = order.request, order.request.state.field
    engine, level = request.engine, request.state.level
    methods = [
        method
        for method in request.compared_methods
        if method.card is None or makes(method.card.channels, field, level)
    ]
    for time in order.times:
        control.check()
        frame = engine.frame(request.question(time=time), control.silent())
        states: dict[str, xr.Dataset] = {"truth": engine.truth(frame, field)}
        for method in methods:
            # A network reports its own progress, which is not that of the movie.
            states[method.name] = engine.answer(frame, method, field, control.silent()).given
        yield MovieFrame(
            request.data.dates.words(time), movie_panels(states, engine.coarse(frame, field), field)
        )


def _limit(order: MovieOrder, control: Control) -> float | None:
    """End of the colour scale in the unit of the field: fixed by the user, or from the truth."""
    request, state = order.request, order.request.state
    if not has_own_range(state.field) and state.scale == "fixed" and state.limit is not None:
        return float(state.limit) / field_unit(state.field).factor
    question = request.question()

    def truths() -> Iterator[Any]:
        times = sampled(order.times)
        for number, time in enumerate(times, start=1):
            control.check()
            frame = request.engine.frame(replace(question, time=time), control.silent())
            yield request.engine.truth(frame, state.field)[state.field]
            control.progress(number / len(times), f"time {number} of {len(times)}")

    return truth_limit(truths())
