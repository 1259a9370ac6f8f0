"""Files of what is on show, and that the command without the page gives the same numbers."""

import io
import json
import shlex
import zipfile

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.export.files import KINDS, bundle_of, file_of, numbers_shown, recipe_of, versions
from app.session.session import Session
from app.state.state import StudioState
from atmodist_core.figures.numbers.compute import numbers_of
from atmodist_core.figures.numbers.request import FigureRequest
from tests.app.conftest import settled_session
from train.figures import figure as figure_command


def reread(content, tmp_path):
    file = tmp_path / "numbers.nc"
    file.write_bytes(content)
    return xr.open_datatree(file)


SMALL_REGION = "-40,30,120,200"
"""Smaller than a patch of the network."""
CASES = {
    "maps": {"region": "Pacific", "time": "2001-01-05T06:00"},
    "spectra": {"region": "Pacific", "time": "2001-01-05T06:00"},
    "distances": {"region": "Globe", "period": "2001-01-05T00:00/2001-01-05T18:00"},
    "models": {},
    "distances of a small region": {"view": "distances", "region": SMALL_REGION},
}


@pytest.mark.parametrize("case", CASES)
def test_the_command_gives_the_numbers_of_the_page(case, globe, models, engine):
    session = settled_session(engine, **{"view": case, **CASES[case]})
    shown = numbers_shown(session)
    again = numbers_of(FigureRequest.from_link(recipe_of(session).search))
    assert set(again.datasets) == set(shown.datasets)
    for name, table in shown.datasets.items():
        assert set(table.data_vars) == set(again.datasets[name].data_vars), name
        for variable in table.data_vars:
            one, other = table[variable].values, again.datasets[name][variable].values
            size = np.nanmax(np.abs(one)) if np.isfinite(one).any() else 1.0
            np.testing.assert_allclose(other, one, rtol=2e-4, atol=1e-5 * size, err_msg=f"{name} {variable}")
    assert again.caption == shown.caption
    if "confusion" in shown.datasets:
        for table in (shown.datasets["confusion"], again.datasets["confusion"]):
            assert table.attrs["covers_surroundings"] == (session.state.region == SMALL_REGION)


def test_the_mean_over_a_period_is_exported_with_all_its_times(globe, models, engine):
    period = "2001-01-05T00:00/2001-01-05T06:00"
    session = settled_session(engine, view="spectra", average="period", period=period, methods=["bicubic"])
    shown = numbers_shown(session)
    assert shown.datasets["spectra"].sizes["time"] == 3 and "3 times" in shown.caption
    again = numbers_of(FigureRequest.from_link(recipe_of(session).search))
    one, other = (n.datasets["spectra"]["vorticity"].sel(model="bicubic") for n in (shown, again))
    np.testing.assert_allclose(other, one, rtol=1e-4)


def test_every_kind_of_file_can_be_opened(globe, models, engine, tmp_path):
    session = settled_session(engine, region="Pacific")
    numbers, recipe = numbers_shown(session), recipe_of(session, "http://here/main?old=1")
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for kind, start in begin.items():
        name, content = file_of(numbers, kind)
        assert name == f"atmodist-maps.{kind}" and content.startswith(start)
    with reread(file_of(numbers, "nc", recipe=recipe)[1], tmp_path) as tree:
        assert tree.attrs["command"] == recipe.command and json.loads(tree.attrs["versions"])["numpy"]
        stored = tree["fields"]["vorticity"].sel(model="bicubic").values
        np.testing.assert_array_equal(stored, session.comparison.values("bicubic"))
        assert tree["fields"]["vorticity"].dims[0] == "model" and "method" not in str(tree)
    name, content = file_of(numbers, "csv")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "fields.csv" in archive.namelist()
        heads = {name: archive.read(name).decode().splitlines() for name in archive.namelist()}
    heads = {name: next(line for line in lines if not line.startswith("#")) for name, lines in heads.items()}
    assert "model" in heads["fields.csv"].split(",") and not any("method" in head for head in heads.values())
    with pytest.raises(ad.UserError, match=f"among {', '.join(KINDS)}"):
        file_of(numbers, "bmp")


def test_the_archive_says_how_to_make_it_again(globe, models, engine):
    session = settled_session(engine, region="Pacific")
    recipe = recipe_of(session, "http://here/main")
    name, content = bundle_of({"maps": numbers_shown(session)}, {"maps": recipe})
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert name == "atmodist-maps.zip"
    assert {"maps/atmodist-maps.pdf", "maps/atmodist-maps.nc", "README.txt"} <= set(archive.namelist())
    text = archive.read("README.txt").decode()
    assert recipe.command in text and recipe.link in text and "atmodist-23" in text
    assert json.loads(archive.read("versions.json"))["atmodist-studio"] == versions()["atmodist-studio"]
    assert "methods=bilinear,bicubic,srgan-4x-mse,srgan-4x-atmodist" in recipe.search


def test_the_command_of_an_export_runs_as_it_stands(globe, models, engine, tmp_path, capsys):
    session = settled_session(engine, region="Pacific", methods=["bicubic"])
    words = shlex.split(recipe_of(session).command)
    assert words[:2] == ["atmodist", "figure"]
    arguments = [*words[2:], "--numbers", str(tmp_path / "n.nc")]
    arguments[arguments.index("--out") + 1] = str(tmp_path / "f.pdf")
    assert figure_command.main(arguments) == 0
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    with reread((tmp_path / "n.nc").read_bytes(), tmp_path) as tree:
        stored = tree["fields"]["vorticity"].sel(model="bicubic").values
        np.testing.assert_allclose(stored, session.comparison.values("bicubic"), rtol=1e-5, atol=1e-10)


def test_unfinished_results_are_not_exported(globe, models, engine):
    session = Session(StudioState(), engine)
    with pytest.raises(ad.UserError, match="still being computed"):
        numbers_shown(session)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "figure.doc"], "end in .png, .svg or .pdf"),
        (["--out", "nowhere/figure.png"], "existing folder"),
        (["--movie", "gif", "--out", "movie.mp4"], "end in .gif"),
        (["--movie", "gif", "--numbers", "n.nc"], "for a figure only"),
        (["--movie", "gif", "--start", "2100-01-01"], "times of the data"),
        (["--link", "?view=maps&data=../secret.nc"], "Expected a data set among"),
        (["--link", "?view=maps&time=1901-01-01T00:00"], "Expected a time of the data"),
        (["--link", "?view=nothing"], "Expected a figure among"),
    ],
)
def test_mistakes_of_the_command_are_one_sentence(arguments, sentence, globe, models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ad.UserError, match=sentence):
        figure_command.main(arguments)
