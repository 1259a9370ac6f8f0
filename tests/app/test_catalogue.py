"""What can be chosen, and what cannot be reached."""

import os

import pytest

import atmodist_core as ad
from app.compute.catalogue import list_methods
from app.compute.public_text import public_text
from atmodist_core.figures.numbers.data_sets import list_sources
from tests.app.conftest import settled_session


def touch(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_demo_comes_first_and_is_alone_without_a_folder(monkeypatch):
    monkeypatch.delenv("ATMODIST_DATA", raising=False)
    assert [source.key for source in list_sources()] == ["demo"]


def test_files_and_stores_of_a_folder_are_found(tmp_path, monkeypatch):
    for name in (
        "a.nc",
        "deep/b.grib2",
        "c.txt",
        ".hidden.nc",
        "store.zarr/zarr.json",
        "store.zarr/x/inner.nc",
    ):
        touch(tmp_path / name)
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    assert [source.key for source in list_sources()] == ["demo", "a.nc", "deep/b.grib2", "store.zarr"]


def test_u_and_v_in_two_files_are_one_data_set(tmp_path):
    for name in ("wind_u.nc", "wind_v.nc", "lonely_u.nc"):
        touch(tmp_path / name)
    sources = list_sources(tmp_path)
    assert [(source.label, len(source.paths)) for source in sources[1:]] == [
        ("lonely_u.nc", 1),
        ("wind (u, v)", 2),
    ]


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    touch(tmp_path / "outside" / "secret.nc")
    inside = tmp_path / "inside"
    inside.mkdir()
    os.symlink(tmp_path / "outside" / "secret.nc", inside / "link.nc")
    os.symlink(tmp_path / "outside", inside / "folder")
    assert [source.key for source in list_sources(inside)] == ["demo"]


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(
        ad.UserError, match=r"Expected a folder .* found none named nowhere; start the app with"
    ):
        list_sources()


def test_without_models_only_interpolation_is_offered_and_said(no_models):
    methods, problems = list_methods()
    assert [method.name for method in methods] == ["bilinear", "bicubic"]
    (sentence,) = problems
    assert "atmodist gan" in sentence and "ATMODIST_MODELS" in sentence


def test_models_come_after_interpolation_in_a_fixed_order_and_colours_differ(models):
    methods, problems = list_methods()
    assert [method.name for method in methods] == ["bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist"]
    assert problems == []
    assert len({method.colour for method in methods}) == 4
    assert all(method.card is not None for method in methods if method.family == "network")


def test_a_broken_model_folder_is_said_and_the_others_stay(models, tmp_path, monkeypatch):
    touch(tmp_path / "broken" / "card.json", "{")
    monkeypatch.setenv("ATMODIST_MODELS", f"{tmp_path}{os.pathsep}{models}")
    methods, problems = list_methods()
    assert len(methods) == 4
    assert any("broken" in sentence for sentence in problems)


def test_a_pipe_in_the_data_folder_is_refused_and_the_demo_shown(
    globe, models, engine, tmp_path, monkeypatch
):
    os.mkfifo(tmp_path / "pipe.nc")
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    session = settled_session(engine, data_set="pipe.nc")
    (message,) = [message for message in session.messages if message.key == "data"]
    assert "pipe" in message.text and "the page shows the data set 'demo'" in message.text
    assert session.data.key == "demo" and session.comparison.complete and not session.busy


def test_messages_name_files_relative_to_the_data_folder(globe, models, engine, tmp_path, monkeypatch):
    touch(tmp_path / "my data" / "year" / "broken.nc", "no data")
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "my data"))
    session = settled_session(engine, data_set="year/broken.nc")
    (message,) = [message for message in session.messages if message.key == "data"]
    assert "year/broken.nc" in message.text and str(tmp_path) not in message.text
    monkeypatch.setenv("ATMODIST_MODELS", f"{tmp_path}/own models")
    touch(tmp_path / "own models" / "broken" / "card.json", "{")
    _, problems = list_methods()
    assert any(str(tmp_path) in problem for problem in problems)
    session.set_message("models", "info", " ".join(problems))
    assert "broken" in session.messages[-1].text and str(tmp_path) not in session.messages[-1].text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The file /srv/group/x.nc is empty.", "The file x.nc is empty."),
        ("found a file in '/srv/group/x.nc'; check", "found a file in 'x.nc'; check"),
        ("see https://host.org/a/b.html, or 12 m/s", "see https://host.org/a/b.html, or 12 m/s"),
        ("of 2001-01-05T00:00/2001-01-06T00:00", "of 2001-01-05T00:00/2001-01-06T00:00"),
    ],
)
def test_absolute_paths_are_shortened_to_their_last_name(text, shown):
    assert public_text(text) == shown
