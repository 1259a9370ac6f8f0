"""Movies from the page: the same as from the command, one at a time, stopped at once, and other users not delayed."""

import asyncio
import io
import shlex
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image, ImageSequence

import atmodist_core as ad
from app.compute.control import Control
from app.export import movies
from app.export.files import recipe_of
from app.export.movies import make_movie, order_movie
from app.page.dialogs.export_menu import ExportMenu
from app.session.session import Session
from app.state.state import StudioState
from tests.app.conftest import settled_session
from train.figures import figure as figure_command

PERIOD = "2001-01-05T00:00/2001-01-05T12:00"


def frames(content):
    with Image.open(io.BytesIO(content)) as file:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(file)]


def a_session(engine, **choices):
    chosen = {"region": "Pacific", "methods": ["bicubic", "srgan-4x-mse"], "period": PERIOD, "step": 2}
    return settled_session(engine, **{**chosen, **choices})


def test_the_command_makes_the_movie_of_the_page(globe, models, engine, tmp_path, capsys):
    # Of the maps, whichever view is in front.
    session = a_session(engine, view="models")
    order = order_movie(session, "gif")
    told = []
    name, content = make_movie(order, Control(lambda fraction, text: told.append((fraction, text))))
    assert name == "atmodist-maps.gif" and order.times == tuple(f"2001-01-05T{h:02d}:00" for h in (0, 6, 12))
    assert told[0] == (0.0, "Waiting for another movie") and any("Movie: frame" in text for _, text in told)
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    menu = ExportMenu(session, lambda: "")
    words = shlex.split(recipe_of(session).command)
    options = shlex.split(menu.movie.command_options.replace("mp4", "gif"))
    out = tmp_path / "movie.gif"
    assert figure_command.main([*words[2 : words.index("--out")], *options, "--out", str(out)]) == 0
    made, again = frames(content), frames(out.read_bytes())
    assert len(made) == len(again) == 3
    for one, other in zip(made, again, strict=True):
        assert (one != other).mean() < 0.01
    assert (made[0] != made[1]).mean() > 0.05


def test_a_fixed_colour_scale_holds_for_the_movie(globe, models, engine):
    automatic, fixed = (
        frames(make_movie(order_movie(a_session(engine, methods=["bicubic"], **scale), "gif"), Control())[1])[
            0
        ]
        for scale in ({}, {"scale": "fixed", "limit": 100.0})
    )
    # The fields reach some 1e-4 s-1: on a scale that ends at 1e-3 s-1 they are pale.
    assert fixed.std() < 0.8 * automatic.std()


def test_the_dialogue_makes_stops_and_refuses_movies(globe, models, engine, monkeypatch):
    session = a_session(engine, methods=["bicubic"])
    menu = ExportMenu(session, lambda: "")
    movie = menu.movie

    async def steps():
        await movie.make("gif")
        assert menu._download.filename == "atmodist-maps.gif" and len(frames(menu._download.content)) == 3
        assert "3 frames" in movie._made.object and movie.cancel_button.disabled
        making = asyncio.ensure_future(movie.make("mp4"))
        await asyncio.sleep(0.02)
        assert movie.buttons["mp4"].disabled and not movie.cancel_button.disabled
        movie.cancel_button.clicks += 1
        await making
        assert "Stopped" in movie._made.object and menu._download.serial == 1
        assert not movie.buttons["mp4"].disabled and movie.cancel_button.disabled
        monkeypatch.setitem(movies.MOST_FRAMES, "gif", 2)
        await movie.make("gif")
        assert "at most 2 frames" in movie._made.object and "one time in 2" in movie._made.object
        monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
        await movie.make("mp4")
        assert "choose GIF" in movie._made.object and menu._download.serial == 1

    asyncio.run(steps())
    with pytest.raises(ad.UserError, match="No data set is open"):
        order_movie(Session(StudioState(), engine), "gif")


def test_movies_wait_for_each_other_and_can_be_stopped_meanwhile(globe, models, engine):
    order, control = order_movie(a_session(engine, methods=["bicubic"]), "gif"), Control()
    with movies._ONE_AT_A_TIME:
        threading.Timer(0.2, control.cancel).start()
        with pytest.raises(ad.Cancelled):
            make_movie(order, control)
    # The lock is free again, also after a movie that failed.
    assert movies._ONE_AT_A_TIME.acquire(timeout=0.1)
    movies._ONE_AT_A_TIME.release()


def test_the_event_loop_answers_while_a_movie_is_drawn(globe, models, engine):
    session = a_session(engine, methods=["bicubic"], period="", step=1)
    order = order_movie(session, "gif")
    delays = []

    async def steps():
        making = asyncio.ensure_future(session.in_thread(Control(), make_movie, order, Control()))
        while not making.done():
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            delays.append(time.perf_counter() - began - 0.01)
        await making

    asyncio.run(steps())
    assert len(delays) > 20 and np.median(delays) < 0.1
