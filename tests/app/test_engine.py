"""The computations behind the page: right at the edges of a region, cached, and stopped when asked to."""

from contextlib import ExitStack

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.compute import engine as engine_module
from app.compute.catalogue import list_methods
from app.compute.comparison import EXACT, PREVIEW, Question
from app.compute.control import Control
from app.compute.engine import Engine
from app.page.cache_warmup import warm_caches
from atmodist_core.evaluation import scores, wind_speed

QUESTION = Question("demo", "", "2001-01-05T03:00", "Europe", "vorticity")


@pytest.fixture
def setup(globe, models, engine):
    methods = {method.name: method for method in list_methods()[0]}
    return engine, methods, engine.frame(QUESTION, Control())


def test_the_demo_is_described(globe, engine):
    data = engine.describe("demo")
    assert data.simulated and data.is_global and data.shape == (72, 144)
    assert data.time_texts[1] == "2001-01-05T03:00"
    assert data.summary == "72 × 144 points · 2.5° globe · 12 times · sigma 0.883"


def test_an_unknown_data_set_is_one_sentence(globe, engine):
    with pytest.raises(ad.UserError, match=r"Expected a data set among demo, found 'other'"):
        engine.describe("other")


def test_truth_and_input_lie_on_each_other(setup):
    engine, _, frame = setup
    truth, coarse = engine.truth(frame, "vorticity"), engine.coarse(frame, "vorticity")
    assert truth.sizes["latitude"] == 4 * coarse.sizes["latitude"]
    np.testing.assert_allclose(ad.coarsen(truth)["vorticity"], coarse["vorticity"], atol=1e-11)
    assert str(truth["time"].values[0])[:16] == "2001-01-05T03:00"


@pytest.mark.parametrize("name", ["bicubic", "srgan-4x-mse"])
def test_a_region_is_a_part_of_the_globe(setup, monkeypatch, name):
    engine, methods, frame = setup
    from_globe = engine.answer(frame, methods[name], "vorticity", Control())
    monkeypatch.setattr(engine_module, "WHOLE_GRID_CELLS", 0)
    alone = engine_module.Engine().answer(frame, methods[name], "vorticity", Control())
    assert from_globe.quality == alone.quality == EXACT and alone.precision == "float32"
    spread = float(from_globe.fields["vorticity"].std())
    for field in ("vorticity", "divergence"):
        np.testing.assert_allclose(alone.fields[field], from_globe.fields[field], atol=2e-5 * spread)
    np.testing.assert_allclose(alone.fields["longitude"], from_globe.fields["longitude"])
    np.testing.assert_allclose(engine.truth(frame, "vorticity")["longitude"], alone.fields["longitude"])


def test_a_preview_is_close_and_says_that_it_is_one(setup, monkeypatch):
    engine, methods, frame = setup
    monkeypatch.setattr(engine_module, "SMALL_CELLS", 100)
    method = methods["srgan-4x-mse"]
    assert engine.needs_preview(frame, method, "vorticity")
    preview = engine.preview(frame, method, "vorticity", Control())
    exact = engine.answer(frame, method, "vorticity", Control())
    assert (preview.quality, exact.quality) == (PREVIEW, EXACT)
    error = float(np.abs(preview.fields["vorticity"] - exact.fields["vorticity"]).max())
    assert error < 0.1 * float(np.abs(exact.fields["vorticity"]).max())
    assert not engine.needs_preview(frame, method, "vorticity"), "the exact result is there"
    assert not engine.needs_preview(frame, methods["bicubic"], "vorticity")


def test_an_answer_is_computed_once(setup, monkeypatch):
    engine, methods, frame = setup
    first = engine.answer(frame, methods["srgan-4x-mse"], "vorticity", Control())
    monkeypatch.setattr(ad, "load_downscaler", lambda *a, **k: pytest.fail("computed again"))
    second = engine.answer(frame, methods["srgan-4x-mse"], "vorticity", Control())
    xr.testing.assert_identical(first.fields, second.fields)


def test_scores_are_those_of_the_library(setup):
    engine, methods, _ = setup
    question = Question("demo", "", "2001-01-05T03:00", "Pacific", "divergence")
    frame = engine.frame(question, Control())
    truth = engine.truth(frame, "divergence")
    answer = engine.answer(frame, methods["bicubic"], "divergence", Control())
    mine = engine.scores(question, "bicubic", answer.fields, truth)
    reference = scores(answer.fields, truth, factor=4).sel(field="divergence")
    assert mine.rmse == pytest.approx(float(reference["rmse"]))
    assert mine.energy_ratio == pytest.approx(float(reference["energy_ratio"]))
    assert mine.wasserstein == pytest.approx(float(reference["wasserstein"]))
    distance = ad.load_distance("atmodist-23").distance(answer.fields, truth)
    assert mine.atmodist == pytest.approx(float(distance.values[0])) and mine.atmodist > 0
    assert mine.note == ""


def test_a_region_too_small_for_the_distance_network_keeps_its_other_scores(setup):
    engine, methods, frame = setup
    truth = engine.truth(frame, "vorticity")
    assert truth.sizes["latitude"] == 20
    answer = engine.answer(frame, methods["bicubic"], "vorticity", Control())
    mine = engine.scores(QUESTION, "bicubic", answer.fields, truth)
    assert np.isnan(mine.atmodist) and mine.rmse > 0 and mine.energy_ratio > 0
    assert "larger region" in mine.note


def test_without_a_distance_network_there_is_no_atmodist_score(globe, no_models, engine):
    frame = engine.frame(QUESTION, Control())
    truth = engine.truth(frame, "vorticity")
    found = engine.scores(QUESTION, "truth", truth, truth)
    assert np.isnan(found.atmodist) and found.rmse == 0
    assert "no AtmoDist score" in found.note


def test_wind_speed_of_a_region_is_that_of_the_globe(setup):
    engine, methods, frame = setup
    globe_speed = wind_speed(frame.truth)
    truth = engine.truth(frame, "wind_speed")
    west = truth["longitude"].values % 360
    reference = globe_speed.sel(latitude=truth["latitude"], longitude=west, method="nearest")
    np.testing.assert_allclose(truth["wind_speed"], reference, rtol=1e-4, atol=1e-3)
    answer = engine.answer(frame, methods["bicubic"], "wind_speed", Control())
    assert float(answer.fields["wind_speed"].min()) >= 0
    coarse = engine.coarse(frame, "wind_speed")
    assert coarse["wind_speed"].shape == coarse["vorticity"].shape
    assert 0 < float(coarse["wind_speed"].mean()) < 1.05 * float(truth["wind_speed"].mean())


def test_a_stopped_computation_ends(setup):
    engine, methods, frame = setup
    control = Control()
    control.cancel()
    with pytest.raises(ad.Cancelled):
        engine.answer(frame, methods["srgan-4x-mse"], "vorticity", control)
    # Nothing was kept of it: the next user gets a result.
    assert engine.answer(frame, methods["srgan-4x-mse"], "vorticity", Control()).fields is not None


def test_nobody_waits_for_a_turn_after_cancelling(setup):
    engine, _methods, _frame = setup
    with ExitStack() as turns:
        for _ in range(engine_module.NETWORKS_AT_ONCE):
            turns.enter_context(engine.slot(Control(), is_quick=True))
        control = Control()
        control.cancel()
        with pytest.raises(ad.Cancelled), engine.slot(control):
            pass


def test_missing_values_are_one_sentence(globe, engine, monkeypatch):
    empty = globe.where(False)
    monkeypatch.setattr(ad, "open_demo", lambda: empty)
    with pytest.raises(
        ad.UserError, match=r"Expected fields at 2001-01-05 03:00 UTC, found only missing values"
    ):
        engine.frame(QUESTION, Control())


def test_spectra_of_the_globe_and_of_a_region_are_per_total_wavenumber(setup):
    engine, _, frame = setup
    truth = engine.truth(frame, "vorticity")
    regional = engine.spectra(QUESTION, "truth", truth, truth)
    whole = Question("demo", "", "2001-01-05T03:00", "Globe", "vorticity")
    globe_frame = engine.frame(whole, Control())
    fields = engine.truth(globe_frame, "vorticity")
    spherical = engine.spectra(whole, "truth", fields, fields)
    for found in (regional, spherical):
        assert {"kinetic_energy", "vorticity", "divergence"} <= set(found["spectrum"])
        assert found["spectrum"]["vorticity"].dims == ("total_wavenumber",)
    # Parseval: the spectrum of the globe adds up to the mean square.
    weights = np.cos(np.deg2rad(fields["latitude"]))
    mean_square = float((fields["vorticity"] ** 2).weighted(weights).mean())
    assert float(spherical["spectrum"]["vorticity"].sum()) == pytest.approx(mean_square, rel=0.02)
    assert "semivariogram" not in engine.spectra(whole, "coarse", globe_frame.coarse, fields)


def test_warming_up_computes_the_first_page_and_never_raises(globe, models, engine, monkeypatch, caplog):
    warm_caches(engine)
    monkeypatch.setattr(ad, "load_downscaler", lambda *a, **k: pytest.fail("not warm"))
    data = engine.describe("demo")
    question = Question("demo", "", data.time_texts[0], "Europe", "vorticity")
    for method in list_methods()[0]:
        assert (
            engine.answer(engine.frame(question, Control()), method, "vorticity", Control()).fields
            is not None
        )
    monkeypatch.setattr(ad, "open_demo", lambda: (_ for _ in ()).throw(RuntimeError("no demo")))
    warm_caches(Engine())
    assert "no demo" in caplog.text
