"""A movie of maps: the figure of the view Maps at one time after the other, on one colour scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.errors import Cancelled, UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.common.progress import Cancel, Progress
from atmodist_core.figures.maps.field_maps import DIVERGING, SEQUENTIAL, field_maps, scale_limits
from atmodist_core.figures.movies.encoders import Encoder, gif_encoder, mp4_encoder
from atmodist_core.figures.style import PUBLICATION, FigureStyle, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("mp4", "gif")
"""Formats of movies."""

MOST_FRAMES = 1000
"""Frames of a movie: at six a second almost three minutes."""

MOST_PIXELS = 3840 * 2160
"""Pixels of a frame; beyond it many players of H.264 give up."""

MOST_GIF_VALUES = 400_000_000
"""Frames times pixels of a GIF, which is compressed without loss and reaches hundreds of megabytes there."""

SAMPLED_TIMES = 24
"""Times of the period from which the ends of the colour scale are taken."""


@dataclass(frozen=True)
class MovieFrame:
    """One frame: ``title`` is its date, ``panels`` are fields over latitude and longitude by model, in drawing order."""

    title: str
    panels: Mapping[str, xr.DataArray]


class MapMovie:
    """A figure of maps whose fields and title are replaced from frame to frame.

    Parameters
    ----------
    first : MovieFrame
        Determines the size of the figure, its panels and their grids.
    limit : float, optional
        End of the colour scale in the unit of the field; from the first frame by default.
    caption : str, optional
        Text at the bottom of all frames.
    style : FigureStyle
    dpi : float
        Dots per inch.

    Raises
    ------
    UserError
        If there is nothing to draw, or a frame would have too many pixels.
    """

    def __init__(
        self,
        first: MovieFrame,
        *,
        limit: float | None = None,
        caption: str | None = None,
        style: FigureStyle = PUBLICATION,
        dpi: float = 150.0,
    ) -> None:
        self.limits = scale_limits(first.panels.values(), limit=limit)
        self._style, self._panels = style, list(first.panels)
        self.figure: Figure = field_maps(
            first.panels,
            limit=self.limits[1],
            title=first.title,
            caption=wrapped(caption, style),
            style=style,
        )
        self.figure.set_dpi(dpi)
        self._require_size(dpi)
        # Laid out once: panels must not move when the width of a label changes.
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        self._title = next((text for text in self.figure.texts if text.get_text() == first.title), None)
        self._pictures = [_picture_of(axes) for axes in self.figure.axes[: len(self._panels)]]
        for picture in self._pictures:
            picture.set_clim(*self.limits)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame [pixels], both even, as H.264 needs them."""
        width, height = (int(side) for side in self.figure.canvas.get_width_height())
        return height + height % 2, width + width % 2

    def picture(self, frame: MovieFrame) -> np.ndarray:
        """Return a frame as colours, shape ``(height, width, 3)``, uint8; raises ``UserError`` for other panels than the first frame's."""
        if list(frame.panels) != self._panels:
            raise UserError(
                f"Expected the models {', '.join(self._panels)} at {frame.title}, found {', '.join(frame.panels)}; choose other models or times."
            )
        for picture, field in zip(self._pictures, frame.panels.values(), strict=True):
            values = np.ma.masked_invalid(field.squeeze(drop=True).transpose("latitude", "longitude").values)
            picture.set_array(values)
        if self._title is not None:
            self._title.set_text(frame.title)
        canvas: Any = self.figure.canvas
        canvas.draw()
        colours = np.asarray(canvas.buffer_rgba())[..., :3]
        height, width = self.shape
        return np.pad(
            colours, ((0, height - colours.shape[0]), (0, width - colours.shape[1]), (0, 0)), mode="edge"
        )

    def palette(self) -> np.ndarray:
        """Return the colours of all frames, shape ``(256, 3)``, uint8: the colour scale, text, and coastlines over both."""
        from matplotlib import colormaps
        from matplotlib.colors import to_rgb

        scale = colormaps[DIVERGING if self.limits[0] < 0 else SEQUENTIAL]
        fields = scale(np.linspace(0, 1, 160))[:, :3]
        background, text, coastline = (
            np.array(to_rgb(colour))
            for colour in (self._style.background, self._style.text, self._style.coastline)
        )
        parts = [fields, _between(background, text, 32), _between(background, coastline, 16)[1:-1]]
        parts += [_mixed(scale(np.linspace(0, 1, 25))[:, :3], coastline, share) for share in (0.35, 0.7)]
        return np.rint(255 * np.concatenate(parts)).astype(np.uint8)

    def _require_size(self, dpi: float) -> None:
        height, width = self.shape
        if height * width > MOST_PIXELS:
            fitting = int(dpi * np.sqrt(MOST_PIXELS / (height * width)))
            raise UserError(
                f"Expected frames of at most {MOST_PIXELS / 1e6:.1f} million pixels, found {width} x {height}; lower the resolution to {fitting} dots per inch."
            )


def _picture_of(axes: Any) -> Any:
    """The image, or the mesh of a grid with uneven steps, of a panel."""
    from matplotlib.collections import QuadMesh

    if axes.images:
        return axes.images[0]
    return next(part for part in axes.collections if isinstance(part, QuadMesh))


def _mixed(colours: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    return (1 - share) * colours + share * other


def _between(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    return np.array([_mixed(one, other, share) for share in np.linspace(0, 1, count)])


def write_movie(
    path: Path,
    frames: Iterable[MovieFrame],
    count: int,
    *,
    limit: float | None = None,
    caption: str | None = None,
    style: FigureStyle = PUBLICATION,
    dpi: float = 150.0,
    frames_per_second: float = 6.0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[int, int]:
    """Write a movie of maps; the file appears complete or not at all.

    Parameters
    ----------
    path : pathlib.Path
        File whose name ends in .mp4 or .gif.
    frames : iterable of MovieFrame
        Taken one at a time.
    count : int
        Number of frames.
    limit, caption, style, dpi
        As for :class:`MapMovie`.
    frames_per_second : float
    progress : callable, optional
        Called with the fraction done and a message.
    cancel : callable, optional
        Returns whether to stop.

    Returns
    -------
    height, width : int
        Size of the frames [pixels].

    Raises
    ------
    UserError
        For another format, no or too many frames, frames that are too large, or if a package for MP4 is missing.
    Cancelled
        If ``cancel`` said so; there is no file then.
    """
    kind = path.suffix.lstrip(".").lower()
    check_movie(kind, count, frames_per_second)
    pending = _watched(frames, count, progress, cancel)
    first = next(pending)
    movie = MapMovie(first, limit=limit, caption=caption, style=style, dpi=dpi)
    height, width = movie.shape
    if kind == "gif" and count * height * width > MOST_GIF_VALUES:
        most = MOST_GIF_VALUES // (height * width)
        raise UserError(
            f"Expected at most {most} frames of {width} x {height} pixels in a GIF, found {count}; take fewer times, a lower resolution, or MP4."
        )
    with replacing(path) as partial, _encoder(kind, partial, movie, frames_per_second) as encoder:
        for frame in chain([first], pending):
            encoder.add(movie.picture(frame))
    return height, width


def _watched(
    frames: Iterable[MovieFrame], count: int, progress: Progress | None, cancel: Cancel | None
) -> Iterator[MovieFrame]:
    """The frames, each reported once the next is asked for."""
    for number, frame in enumerate(frames, start=1):
        if cancel is not None and cancel():
            raise Cancelled("The movie was cancelled.")
        yield frame
        if progress is not None:
            progress(number / count, f"frame {number} of {count}")


def _encoder(kind: str, path: Path, movie: MapMovie, speed: float) -> AbstractContextManager[Encoder]:
    if kind == "mp4":
        return mp4_encoder(path, movie.shape, speed)
    return gif_encoder(path, speed, movie.palette())


def check_movie(kind: str, count: int, frames_per_second: float = 6.0, most: int = MOST_FRAMES) -> None:
    """Raise ``UserError`` for a format, a number of frames or a speed that no movie can have."""
    if kind not in KINDS:
        raise UserError(f"Expected a movie as {' or '.join(KINDS)}, found {kind!r}; choose one of these.")
    if count < 1:
        raise UserError("Expected at least one time in the period of the movie, found none; choose another.")
    if count > most:
        raise UserError(
            f"Expected at most {most} frames in a movie, found {count}; choose a shorter period, or take one time "
            f"in {-(-count // most)}."
        )
    if not 0.5 <= frames_per_second <= 50:
        raise UserError(
            f"Expected 0.5 to 50 frames per second, found {frames_per_second:g}; 6 suits most fields."
        )


def sampled(times: Sequence[Any]) -> list[Any]:
    """Return at most :data:`SAMPLED_TIMES` of some times, evenly spaced, the first and last among them."""
    places = evenly_spaced(len(times), SAMPLED_TIMES)
    return [times[place] for place in places.tolist()]
