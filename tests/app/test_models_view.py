"""The Models view without a browser: cards, learning curves, speed, and models that come later."""

import asyncio
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import panel_material_ui as pmui
import pytest
import xarray as xr

import atmodist_core as ad
from app.compute.control import Control
from app.compute.engine import Engine
from app.compute.model_facts import facts_of_models, speed_here
from app.session.session import Session
from app.state.state import StudioState
from app.views.models.learning_figure import LearningFigure
from app.views.models.model_texts import facts_html, own_html
from app.views.models.view import ModelsView
from atmodist_core.figures.numbers.models import (
    epochs,
    held_out_name,
    learning_curves,
    measure_speed,
    pretraining_steps,
)
from atmodist_core.models.card import read_card
from atmodist_core.models.loss_description import loss_text


def test_learning_curves_are_read_with_their_gaps(tmp_path):
    (tmp_path / "curves.csv").write_text("step,loss,held_out_mse\n20,1.5,\n40,0.5,0.4\n")
    curves = learning_curves(tmp_path)
    assert curves["step"].values.tolist() == [20, 40] and held_out_name(curves) == "held_out_mse"
    assert np.isnan(curves["held_out_mse"].values[0]) and curves["loss"].values.tolist() == [1.5, 0.5]


@pytest.mark.parametrize("text", [None, "", "nothing,here\n1,2\n", "\x00\x01"])
def test_curves_that_cannot_be_read_are_none(tmp_path, text):
    if text is not None:
        (tmp_path / "curves.csv").write_text(text)
    assert learning_curves(tmp_path) is None


def test_a_figure_shows_the_curves_that_there_are(engine):
    facts = facts_of_models(engine)
    for one in (one for one in facts if one.curves is not None):
        plot = LearningFigure(one).plot
        held = held_out_name(one.curves)
        known = np.isfinite(one.curves[held].values)
        label = {"held_out_loss": "held-out loss", "held_out_mse": "held-out MSE"}[held]
        np.testing.assert_array_equal(plot.source(label).data["loss"], one.curves[held].values[known])
        assert plot.renderer(label).visible and plot.hover(label) in plot.figure.tools
        assert plot.renderer("pre-training").visible == (one.pretraining_steps > 0)
        shown = {item.label.value for item in plot.figure.legend[0].items if item.visible}
        assert shown == {name for name in plot.labels if plot.renderer(name).visible}
        low, high = plot.figure.y_range.start, plot.figure.y_range.end
        assert low < np.nanmin(one.curves[held].values) < high
    empty = replace(facts[0], curves=xr.Dataset({}, {"step": np.array([1, 2])}), pretraining_steps=0)
    assert not any(r.visible for r in LearningFigure(empty).plot.figure.renderers)


def test_cards_are_told_in_words(repository):
    folder = repository / "assets" / "models"
    distance, gan = read_card(folder / "atmodist-23"), read_card(folder / "srgan-4x-atmodist")
    assert "cross-entropy over 23 lags" in loss_text(distance)
    assert "AtmoDist (atmodist-23" in loss_text(gan) and "adversary" in loss_text(gan)
    assert "features of (autoencoder, stage2)" in loss_text(read_card(folder / "srgan-4x-autoencoder"))
    assert loss_text(read_card(folder / "autoencoder")) == "mean squared error of the reconstruction"
    mse = read_card(folder / "sr-4x-mse")
    # epochs with the content loss alone are all of its training
    assert pretraining_steps(mse) == mse.schedule["steps"] > 0
    assert epochs(mse) == mse.schedule["pretraining_epochs"] > 0


def test_every_model_has_a_card_and_a_speed(globe, models, engine):
    session = Session(StudioState(view="models"), engine)
    session.refresh_catalogue()
    view = ModelsView(session)
    names = [card.css_classes[1] for card in view._content.objects]
    assert names == ["model-atmodist-23", "model-srgan-4x-mse", "model-srgan-4x-atmodist", "model-own"]
    facts = facts_of_models(engine)
    text = facts_html(facts[2], "#009e73")
    assert "srgan-4x-atmodist" in text and re.search(r"\d parameters, \d+\.\d MB", text)
    assert "ATMODIST_MODELS" in own_html()


def test_an_encoder_that_is_no_distance_has_a_card_without_a_speed(
    globe, models, repository, tmp_path, monkeypatch
):
    shutil.copytree(repository / "assets" / "models" / "autoencoder", tmp_path / "autoencoder")
    monkeypatch.setenv("ATMODIST_MODELS", os.pathsep.join([str(models), str(tmp_path)]))
    session = Session(StudioState(view="models"), Engine())
    session.refresh_catalogue()
    view = ModelsView(session)
    cards = {card.css_classes[1]: card for card in view._content.objects}
    assert list(cards)[1] == "model-autoencoder"
    assert not cards["model-autoencoder"].select(pmui.Button)
    assert cards["model-srgan-4x-mse"].select(pmui.Button)
    with pytest.raises(ad.UserError, match="Expected a model of kind 'distance', found 'autoencoder'"):
        ad.load_distance("autoencoder")


def test_the_speed_is_measured_on_a_field_of_the_demo(models, engine, monkeypatch):
    monkeypatch.setenv("ATMODIST_ASSETS", "")
    monkeypatch.delenv("ATMODIST_ASSETS")
    card = next(card for card in engine.cards() if card.name == "srgan-4x-mse")
    assert 0 < speed_here(engine, card, Control()) < 60


def test_a_field_too_small_for_the_speed_is_said(globe, models):
    card = read_card(models / "atmodist-23")
    with pytest.raises(ad.UserError, match="160 x 160 points"):
        measure_speed(card, lambda: ad.load_distance("atmodist-23"), globe.isel(time=[0]))


def test_a_model_that_comes_later_gets_a_card(globe, models, tmp_path, monkeypatch, engine):
    shutil.copytree(models / "srgan-4x-mse", tmp_path / "srgan-4x-mse")
    monkeypatch.setenv("ATMODIST_MODELS", str(tmp_path))

    async def steps():
        session = Session(StudioState(view="models"), engine)
        session.start([])
        await session.settled()
        view = ModelsView(session)
        before = len(view._content.objects)
        shutil.copytree(models / "atmodist-23", tmp_path / "atmodist-23")
        engine.search_again()
        session.refresh_catalogue()
        assert len(view._content.objects) == before + 1
        session.close()

    asyncio.run(steps())
