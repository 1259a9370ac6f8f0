"""What the evaluation that ships says on the page."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.session.long_record import Figure, long_record, record_in, record_of_model
from app.views.shared.long_record_texts import city_html, figure_text, model_html, number
from atmodist_core.common.assets import asset_folder
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.figures.findings import shown_evaluation as module
from atmodist_core.figures.findings.shown_evaluation import evaluation_file
from atmodist_core.models.fit import DataTraits


@pytest.fixture(scope="module")
def record():
    found = long_record()
    assert found is not None, "an evaluation ships"
    return found


def test_the_shipped_evaluation_is_long_enough_and_of_the_models_that_ship(record):
    tree = open_evaluation(asset_folder("results") / "evaluation.nc")
    assert tree.attrs["times"] >= 240 and tree.attrs["city_times"] >= 240 and tree.attrs["replicates"] == 1000
    created = {card.name: card.created for card in ad.list_models()}
    for model in json.loads(tree.attrs["models"]):
        if model["weights"]:
            assert record.fits(model["name"], created[model["name"]]), model["name"]
            assert not record.fits(model["name"], "another version")
    assert "simulated" in record.description and record.network == "atmodist-23"


def test_an_evaluation_of_analyses_ships_and_is_shown_for_data_like_its_own(record):
    path = asset_folder("results") / "evaluation_analyses.nc"
    tree = open_evaluation(path)
    entries = json.loads(tree.attrs["data"])
    assert [entry["simulated"] for entry in entries] == [False, False] and tree.attrs["days"] == 17
    analyses = DataTraits.from_dict(entries[0]["traits"])
    assert (analyses.spacing_deg, analyses.level, analyses.truncation) == (1.0, "10 m", 1.0)
    created = {card.name: card.created for card in ad.list_models()}
    found = record_in(path)
    for model in json.loads(tree.attrs["models"]):
        assert found.fits(model["name"], created.get(model["name"], "")), model["name"]
    october = replace(
        analyses, step_hours=3.0, spread={name: 0.9 * std for name, std in analyses.spread.items()}
    )
    assert module.evaluation_file("x.nc", october) == (path, False, ())
    assert module.evaluation_file("x.nc", replace(analyses, level="850 hPa")).differences == (
        "level 10 m instead of 850 hPa",
    )
    demo = module.evaluation_file("demo", module.traits_shown(ad.open_demo()), simulated=True)
    assert demo.path.name == "evaluation.nc" and demo.differences == ()
    ensemble = record_of_model("real-4x-atmodist-ensemble", created["real-4x-atmodist-ensemble"], None)
    assert ensemble is found and "10 m, 2026-04-26 to 2026-05-06 and 2026-07-26" in found.description
    assert record_of_model("srgan-4x-mse", created["srgan-4x-mse"], None) is record
    assert record_of_model("srgan-4x-mse", "another version", None) is None


def test_numbers_on_the_page_are_those_of_the_file(record):
    tree = open_evaluation(asset_folder("results") / "evaluation.nc")
    scores = (
        tree["scores"]
        .to_dataset()
        .sel({"measure": "rmse", "model": "srgan-4x-atmodist", "field": "vorticity"})
    )
    found = record.score("rmse", "srgan-4x-atmodist", "vorticity")
    assert found == Figure(float(scores["value"]), float(scores["low"]), float(scores["high"]))
    card = {card.name: card for card in ad.list_models()}["srgan-4x-atmodist"]
    text = model_html(record, card.name, card.created)
    assert number(found.value * 1e6) in text or number(found.value * 1e5) in text
    verdicts = tree["verdicts"].to_dataset()
    totals = record.city_totals("srgan-4x-atmodist", "srgan-4x-mse", "divergence", 3)
    here = verdicts.sel(candidate="srgan-4x-atmodist", field="divergence", box=3)
    assert (totals.better, totals.worse) == (int(here["better"]), int(here["worse"]))
    assert totals.better + totals.equal + totals.worse == 150
    sentence = city_html(
        record, "srgan-4x-atmodist", "srgan-4x-mse", "divergence", 3, ("AtmoDist GAN", "MSE GAN")
    )
    assert f"closer at {totals.better} cities ({totals.better_sure} significantly)" in sentence
    network = model_html(record, "atmodist-23", "")
    assert "lag accuracy" in network and "nat" in network


def test_what_was_not_evaluated_is_left_out(record):
    assert record.city_totals("srgan-4x-mse", "srgan-4x-atmodist", "vorticity", 1) is None
    assert record.city_totals("srgan-4x-atmodist", "srgan-4x-mse", "vorticity", 7) is None
    assert city_html(record, "bicubic", "bilinear", "vorticity", 1, ("a", "b")) == ""
    assert city_html(None, "a", "b", "vorticity", 1, ("a", "b")) == "" == model_html(None, "a", "")
    assert model_html(record, "nobody", "") == ""
    assert (
        record.score("rmse", "nobody", "vorticity") is None
        and record.score("none", "bicubic", "vorticity") is None
    )


def test_no_file_or_another_is_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "asset_folder", lambda _: tmp_path)
    assert long_record() is None
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "evaluation.nc", engine="netcdf4")
    assert long_record() is None
    assert record_in(tmp_path / "evaluation.nc") is None


def test_an_evaluation_is_opened_once_until_its_file_changes(tmp_path, monkeypatch):
    """By the choice among those that ship and by what the page shows of it."""
    file = tmp_path / "evaluation.nc"
    shutil.copy(asset_folder("results") / "evaluation.nc", file)
    opened = []
    monkeypatch.setattr(module, "asset_folder", lambda _: tmp_path)
    monkeypatch.setattr(module, "open_evaluation", lambda path: opened.append(path) or open_evaluation(path))
    traits = DataTraits((), 0.5, 1.0, "", {}, (), None)
    found = evaluation_file("", traits, simulated=True)
    assert found is not None and record_in(found.path) is record_in(file) and opened == [file]
    os.utime(file, ns=(1, 1))
    assert record_in(file) is not None and len(opened) == 2


def test_figures():
    assert figure_text(None) == "–" == figure_text(Figure(np.nan, np.nan, np.nan))
    assert figure_text(Figure(0.5, np.nan, np.nan)) == "0.500"
    assert figure_text(Figure(0.5, 0.4, 0.6), 100) == "50.0 <small>[40.0, 60.0]</small>"
    assert number(float("inf")) == "∞" and number(0.0) == "0" and number(1234.5) == "1234"
