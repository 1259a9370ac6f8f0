"""Movies: read back by independent readers, one colour scale, and no file that is not complete."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image, ImageSequence

from atmodist_core.common.errors import Cancelled, UserError
from atmodist_core.figures import DARK, field_maps
from atmodist_core.figures.movies import encoders, movie
from atmodist_core.figures.movies.movie import MapMovie, MovieFrame, sampled, write_movie
from atmodist_core.figures.movies.study_movie import movie_times
from atmodist_core.figures.style import figure_bytes
from tests.evaluation.mock_fields import area, globe

TIMES = [f"2001-01-0{day}T{hour:02d}:00" for day in (1, 2, 3) for hour in (0, 6, 12, 18)]
DPI = 80


def frames(count=4):
    truth, coarse = area(32, 48, times=count, smooth=2.0), area(8, 12, times=count, spacing=(2, 2), seed=3)
    for number in range(count):
        panels = {"coarse": coarse.vorticity[number], "truth": truth.vorticity[number]}
        yield MovieFrame(f"2001-01-0{number + 1} 00:00 UTC", panels)


def pictures(path):
    """Frames, speed and size, as another program reads them."""
    if path.suffix == ".gif":
        with Image.open(path) as file:
            found = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(file)]
            assert file.info["loop"] == 0
            return found, 1000 / file.info["duration"], file.size
    command = [get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    told = done.stderr.decode()
    assert re.search(r"Video: h264 .*yuv420p\(tv, bt709", told), told
    width, height = map(int, re.search(r" (\d+)x(\d+)[, ]", told).groups())
    speed = float(re.search(r"([\d.]+) fps", told)[1])
    found = list(np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3))
    minutes, seconds = re.search(r"Duration: 00:(\d+):([\d.]+)", told).groups()
    assert 60 * float(minutes) + float(seconds) == pytest.approx(len(found) / speed, abs=0.02)
    return found, speed, (width, height)


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_a_movie_is_read_back_with_its_frames(kind, tmp_path):
    told = []
    path = tmp_path / f"movie.{kind}"
    shape = write_movie(
        path,
        frames(),
        4,
        limit=5e-5,
        dpi=DPI,
        frames_per_second=5,
        progress=lambda fraction, message: told.append((fraction, message)),
    )
    found, speed, (width, height) = pictures(path)
    assert len(found) == 4 and speed == pytest.approx(5) and (height, width) == shape
    assert height % 2 == 0 and width % 2 == 0
    assert told[-1] == (1.0, "frame 4 of 4")
    # Each frame is the figure of its time, but for compression.
    for number, frame in enumerate(frames()):
        figure = field_maps(frame.panels, limit=5e-5, title=frame.title)
        figure.savefig(tmp_path / "still.png", dpi=DPI)
        still = np.asarray(Image.open(tmp_path / "still.png").convert("RGB"), int)
        part = found[number][: still.shape[0], : still.shape[1]]
        difference = np.abs(part - still)
        # H.264 halves the resolution of colours, which shows at the edges of cells.
        assert np.median(difference) <= 1 and difference.mean() < 3
        other = np.abs(found[(number + 1) % 4][: still.shape[0], : still.shape[1]] - still)
        assert other.mean() > 3 * difference.mean()


def test_the_colour_scale_is_that_of_the_first_frame_for_all():
    first, second, *_ = frames()
    made = MapMovie(first, dpi=DPI)
    limits = [picture.get_clim() for picture in made._pictures]
    before = made.figure.axes[0].get_position().bounds
    made.picture(MovieFrame(second.title, {name: 9 * field for name, field in second.panels.items()}))
    assert [picture.get_clim() for picture in made._pictures] == limits and len(set(limits)) == 1
    assert made.figure.axes[0].get_position().bounds == before
    assert made.figure.get_suptitle() == second.title


def test_colours_of_a_gif_are_those_of_the_figure(tmp_path):
    for style in (movie.PUBLICATION, DARK):
        write_movie(tmp_path / "movie.gif", frames(2), 2, limit=5e-5, dpi=DPI, style=style)
        made = MapMovie(next(frames()), limit=5e-5, dpi=DPI, style=style)
        first = made.picture(next(frames())).astype(int)
        difference = np.abs(pictures(tmp_path / "movie.gif")[0][0] - first)
        assert difference.mean() < 1.5 and np.quantile(difference, 0.999) <= 24


def test_uneven_latitudes_and_missing_values_are_drawn(tmp_path):
    ds = globe(24, "gaussian", times=2)
    uneven = ds.assign_coords(latitude=90 * np.sin(np.deg2rad(ds.latitude.values))).vorticity
    series = [
        MovieFrame(str(number), {"truth": uneven[number].where(uneven[number] > 0)}) for number in (0, 1)
    ]
    write_movie(tmp_path / "movie.gif", series, 2, dpi=DPI)
    one, two = pictures(tmp_path / "movie.gif")[0]
    assert (one != two).mean() > 0.02


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_a_cancelled_movie_leaves_nothing(kind, tmp_path):
    path = tmp_path / f"movie.{kind}"
    asked = []

    def cancel():
        asked.append(len(list(tmp_path.iterdir())))
        return len(asked) > 2

    with pytest.raises(Cancelled):
        write_movie(path, frames(), 4, dpi=DPI, cancel=cancel)
    assert asked[-1] == 1 and not list(tmp_path.iterdir())
    # An error in the fields, and an earlier movie that stays.
    path.write_bytes(b"earlier")

    def failing():
        yield from frames(2)
        raise UserError("no more")

    with pytest.raises(UserError, match="no more"):
        write_movie(path, failing(), 4, dpi=DPI)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"earlier"]


def test_a_terminated_command_leaves_nothing(tmp_path, repository):
    link = "?data=demo&region=Europe&methods=bicubic"
    command = [sys.executable, "train/figures/figure.py", "--link", link, "--movie", "gif", "--dpi", "60"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "movie.gif")], cwd=repository, stderr=subprocess.DEVNULL
    )
    waited = time.monotonic() + 120
    while not list(tmp_path.iterdir()) and time.monotonic() < waited:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()), "it has begun to write"
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(60) == 130
    assert not list(tmp_path.iterdir())


def test_limits_are_told_before_anything_is_computed(tmp_path, monkeypatch):
    def never():
        raise AssertionError("a frame was asked for")
        yield

    for count, sentence in ((0, "at least one time"), (1001, "at most 1000 frames.*one time in 2")):
        with pytest.raises(UserError, match=sentence):
            write_movie(tmp_path / "movie.mp4", never(), count)
    with pytest.raises(UserError, match="mp4 or gif"):
        write_movie(tmp_path / "movie.avi", never(), 2)
    with pytest.raises(UserError, match=r"0\.5 to 50 frames"):
        write_movie(tmp_path / "movie.gif", never(), 2, frames_per_second=0)
    with pytest.raises(UserError, match=r"million pixels, found .* dots per inch"):
        write_movie(tmp_path / "movie.gif", frames(), 4, dpi=2000)
    monkeypatch.setattr(movie, "MOST_GIF_VALUES", 500_000)
    with pytest.raises(UserError, match=r"at most . frames of .* in a GIF"):
        write_movie(tmp_path / "movie.gif", frames(), 4, dpi=DPI)
    assert not list(tmp_path.iterdir())


def test_without_the_encoder_gif_still_works(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match="choose GIF, or install it"):
        write_movie(tmp_path / "movie.mp4", frames(), 4, dpi=DPI)
    write_movie(tmp_path / "movie.gif", frames(), 4, dpi=DPI)
    assert [entry.name for entry in tmp_path.iterdir()] == ["movie.gif"]


def test_an_encoder_that_stops_is_one_sentence_without_paths(tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "COMPRESSION", "nonsense")
    with pytest.raises(UserError, match="encoder to write the movie") as caught:
        write_movie(tmp_path / "movie.mp4", frames(), 4, dpi=DPI)
    assert str(tmp_path) not in str(caught.value) and not list(tmp_path.iterdir())


def test_times_of_a_period():
    assert movie_times(TIMES) == TIMES
    assert movie_times(TIMES, "2001-01-02", "2001-01-02") == TIMES[4:8]
    assert movie_times(TIMES, "2001-01-01T06:00", "2001-01-02 12:00", 2) == TIMES[1:7:2]
    with pytest.raises(UserError, match="none from 2002-01-01"):
        movie_times(TIMES, "2002-01-01")
    with pytest.raises(UserError, match="one time in 3"):
        movie_times(TIMES, most=5)
    assert sampled(list(range(100)))[::23] == [0, 99] and sampled([1, 2]) == [1, 2]


def test_a_figure_is_not_changed_by_a_movie_of_it(tmp_path):
    first = next(frames())
    before = figure_bytes(field_maps(first.panels))
    write_movie(tmp_path / "movie.gif", [first], 1, dpi=DPI)
    assert figure_bytes(field_maps(first.panels)) == before
