"""Write pictures one after the other into an MP4 or a GIF; only one picture is in memory at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from atmodist_core.common.errors import UserError

COMPRESSION = 16
"""Constant rate factor of H.264: 0 is lossless, 23 its default; at 16 colours stay within a few levels of the figure's."""


class Encoder(Protocol):
    """Takes pictures, shape ``(height, width, 3)``, uint8."""

    def add(self, picture: np.ndarray) -> None:
        """Append a picture."""


@contextmanager
def mp4_encoder(path: Path, shape: tuple[int, int], frames_per_second: float) -> Iterator[Encoder]:
    """Yield an encoder of H.264 in an MP4 file, which browsers play.

    ``shape`` is the height and width [pixels], both even. Raises ``UserError`` if imageio-ffmpeg is missing or the encoder stops.
    """
    height, width = shape
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{frames_per_second:g}"]
    # Without a stated matrix players guess one by the size of the picture, and colours shift.
    matrix = "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"
    coding = ["-c:v", "libx264", "-crf", str(COMPRESSION), "-preset", "fast", "-threads", "2"]
    # The index at the beginning lets a browser start before it has all of the file.
    made = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", str(path)]
    command = [_ffmpeg(), "-v", "quiet", "-y", *given, "-i", "-", "-an", "-vf", matrix, *coding, *made]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        try:
            yield _Mp4(process.stdin)
            process.stdin.close()
            if process.wait():
                raise UserError(_STOPPED)
        except BaseException:
            process.kill()
            raise
        finally:
            # What is left in its buffer has no reader after a kill.
            with suppress(BrokenPipeError):
                process.stdin.close()


_STOPPED = (
    "Expected the encoder to write the movie, found that it stopped; free some disk space or choose GIF."
)


class _Mp4:
    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def add(self, picture: np.ndarray) -> None:
        try:
            self._pipe.write(picture.tobytes())
        except BrokenPipeError as error:
            raise UserError(_STOPPED) from error


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise UserError(
            "Expected imageio-ffmpeg for MP4, found it missing; choose GIF, or install it with: pip install 'atmodist-studio[plots]'."
        ) from error


@contextmanager
def gif_encoder(path: Path, frames_per_second: float, palette: np.ndarray) -> Iterator[Encoder]:
    """Yield an encoder of a GIF that repeats for ever.

    Parameters
    ----------
    path : pathlib.Path
    frames_per_second : float
        GIF counts time in hundredths of a second, to which the duration of a frame is rounded.
    palette : numpy.ndarray of uint8, shape ``(colours, 3)``
        At most 256 colours of all frames.
    """
    from PIL import Image

    table = Image.new("P", (1, 1))
    table.putpalette(np.ascontiguousarray(palette[:256], np.uint8).tobytes())
    with path.open("wb") as file:
        yield _Gif(file, table, round(100 / frames_per_second) * 10)
        file.write(b";")


class _Gif:
    def __init__(self, file: BinaryIO, table: Any, duration_ms: int) -> None:
        self._file, self._table, self._duration = file, table, duration_ms
        self._last = np.empty((0, 0), np.uint8)

    def add(self, picture: np.ndarray) -> None:
        from PIL import GifImagePlugin, Image

        frame = Image.fromarray(picture).quantize(palette=self._table, dither=Image.Dither.NONE)
        indices = np.asarray(frame)
        corner = (0, 0)
        if not self._last.size:
            for part in GifImagePlugin.getheader(frame.copy(), info={"loop": 0})[0]:
                self._file.write(part)
        else:
            # Only what changes is stored: a rectangle, at least one point.
            rows, columns = (np.flatnonzero((indices != self._last).any(axis)) for axis in (1, 0))
            top, bottom = (rows[0], rows[-1] + 1) if rows.size else (0, 1)
            left, right = (columns[0], columns[-1] + 1) if columns.size else (0, 1)
            frame = frame.crop((int(left), int(top), int(right), int(bottom)))
            corner = (int(left), int(top))
        for part in GifImagePlugin.getdata(frame, corner, duration=self._duration):
            self._file.write(part)
        self._last = indices
