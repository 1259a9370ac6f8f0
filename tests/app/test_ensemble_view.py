"""The view Ensemble, ensemble models on the other views, and the factor, without a browser."""

import asyncio
import io
import re
import zipfile
from html import unescape

import numpy as np
import pytest
import xarray as xr
from scipy.fft import dctn

import atmodist_core as ad
from app.compute.catalogue import Draw, draw_of, list_methods, methods_for
from app.compute.comparison import EXACT
from app.compute.describe_data import description_of
from app.export.files import file_of, numbers_shown, recipe_of
from app.page.keyboard import press
from app.page.sidebar import DrawControl, FactorControl
from app.session.long_record import long_record, record_of_ensemble
from app.session.takeaways import ensemble_line
from app.state.link import query_of
from app.state.state import StudioState
from app.views.ensemble.calibration_figures import LIVE, SEASON, CalibrationFigures
from app.views.ensemble.score_table import tables_html
from app.views.ensemble.view import EnsembleView
from atmodist_core.common.constants import EARTH_RADIUS_M
from atmodist_core.evaluation import crps, spread_skill
from atmodist_core.evaluation.measures import MEASURES
from atmodist_core.evaluation.results.file import open_evaluation
from atmodist_core.figures.findings.measure_groups import HEADLINE
from atmodist_core.figures.findings.opening import QUESTIONS
from atmodist_core.figures.numbers.compute import numbers_of
from atmodist_core.figures.numbers.data_sets import list_sources
from atmodist_core.figures.numbers.request import FigureRequest
from tests.app.conftest import settled_session, small_globe

NAME = "ensemble-4x-pixel"


@pytest.fixture(scope="session")
def ensemble_folder(tmp_path_factory, model_folder):
    """The small models, an ensemble, and an ensemble of factor 8."""
    import shutil

    import torch

    from atmodist_core.models.card import ModelCard
    from atmodist_core.models.store import save_downscaler
    from atmodist_core.networks import Generator
    from atmodist_core.networks.generator import GeneratorConfig
    from atmodist_core.networks.normalization import SignedLogNormalization

    folder = tmp_path_factory.mktemp("ensembles") / "models"
    shutil.copytree(model_folder, folder)
    torch.manual_seed(1)
    for name, factor in ((NAME, 4), ("ensemble-8x-pixel", 8)):
        card = ModelCard(
            name=name,
            kind="downscaler",
            factor=factor,
            architecture={},
            channels=("vorticity", "divergence"),
            normalization=SignedLogNormalization.from_fields(small_globe()),
            grid_spacing_deg=2.5,
            level="sigma 0.883",
        )
        config = GeneratorConfig(
            filters=4, blocks=1, factor=factor, noise_channels=2, fine_noise_channels=2, residual=True
        )
        network = Generator(config)
        with torch.no_grad():  # an untrained one hardly uses its noise
            for parameter in network.parameters():
                parameter.mul_(2)
        save_downscaler(folder / name, network, card)
    return folder


@pytest.fixture
def ensembles(ensemble_folder, assets_without_models, monkeypatch):
    monkeypatch.setenv("ATMODIST_MODELS", str(ensemble_folder))
    monkeypatch.setenv("ATMODIST_ASSETS", str(assets_without_models))


def changed(session, **choices):
    async def change():
        session.state.param.update(**choices)
        await session.settled()

    asyncio.run(change())


def test_showing_other_members_never_takes_the_tables_away(globe, ensembles, engine):
    session = settled_session(
        engine, view="ensemble", region="Europe", members="8", stamps="1", methods=["bicubic"]
    )
    before = session.results["ensemble"].tables["scores"]
    seen = []
    session.param.watch(lambda event: seen.append(event.new["ensemble"]), "results")
    changed(session, stamps="5")
    assert seen and all(result.complete for result in seen)
    for result in seen:
        xr.testing.assert_identical(result.tables["scores"], before)


def test_members_appear_one_by_one_and_their_scores_are_those_of_the_library(globe, ensembles, engine):
    session = settled_session(engine, view="ensemble", region="Europe", members="4", methods=["bicubic"])
    result = session.results["ensemble"]
    assert result.complete and sorted(result.members) == [0, 1, 2, 3] and result.done == 4
    coarse = engine.frame(result.question, _Silent()).coarse
    drawn = ad.load_downscaler(NAME)(coarse, members=4, seed=0, region="Europe")
    true = result.truth
    np.testing.assert_allclose(
        result.members[2].given["vorticity"], drawn["vorticity"].isel(member=2), rtol=1e-4, atol=1e-9
    )
    scores = result.tables["scores"]
    own = float(crps(drawn, true)["vorticity"].mean())
    assert float(scores["crps"].sel(model=NAME)) == pytest.approx(own, rel=1e-4)
    bicubic = ad.load_downscaler("bicubic")(coarse, region="Europe")["vorticity"]
    weights = np.cos(np.deg2rad(true["latitude"]))
    error = np.abs(bicubic - true["vorticity"]).weighted(weights).mean()
    assert float(scores["crps"].sel(model="bicubic")) == pytest.approx(float(error), rel=0.01)
    ratio = spread_skill(drawn, true)["ratio"].sel(field="vorticity")
    assert float(scores["ratio"]) == pytest.approx(float(ratio), rel=1e-4)
    maps = result.tables["maps"]
    np.testing.assert_allclose(maps["spread"], maps["members"].std("member", ddof=1))
    line = ensemble_line(session)
    assert (
        line.startswith("In Europe at this time, the CRPS of vorticity of 4 members") and "(Bicubic)" in line
    )


class _Silent:
    """A control that is never stopped."""

    def progress(self, *_): ...

    def check(self): ...


def test_seed_number_and_stamps_are_in_the_link(globe, ensembles, engine):
    chosen = {"view": "ensemble", "members": "16", "seed": 7, "stamps": "5", "draw": "mean", "factor": 8}
    state = StudioState(**chosen)
    again = StudioState()
    assert again.read_query(query_of("?" + "&".join(f"{k}={v}" for k, v in state.to_query().items()))) == []
    assert {name: getattr(again, name) for name in chosen} == chosen
    assert StudioState().read_query({"members": "5", "seed": "x", "draw": "17"})
    session = settled_session(engine, view="ensemble", region="Pacific", methods=["bicubic"], members="4")
    first = session.results["ensemble"]
    changed(session, seed=1)
    second = session.results["ensemble"]
    a, b = (one.members[0].given["vorticity"].values for one in (first, second))
    assert second.seed == 1 and np.abs(a - b).max() > 0
    changed(session, seed=0, members="8")
    assert session.results["ensemble"].members[0] is not None
    np.testing.assert_array_equal(session.results["ensemble"].members[0].given["vorticity"].values, a)
    assert ":seed" not in recipe_of(session).command and "members=" not in recipe_of(session).search
    changed(session, members="4")
    assert "members=4" in recipe_of(session).search


def test_the_view_shows_what_was_computed(globe, ensembles, engine):
    session = settled_session(
        engine, view="ensemble", region="Globe", members="8", methods=["bicubic", "srgan-4x-mse"]
    )
    view = EnsembleView(session)
    assert view._model.widget.value == "" and "CRPS ensemble" in view._model.widget.options
    heads = [one.object for one in view._maps._heads.values()]
    assert "Member 1" in heads[0] and "Truth" in heads[4] and "8 members" in heads[5]
    assert all(len(one.source.data["image"]) == 1 for one in view._maps._maps.values())
    session.close()
    view._show_next()
    assert session.state.stamps == "5" and "Member 5" in next(iter(view._maps._heads.values())).object
    view._show_next()
    assert session.state.stamps == "1"
    result = session.results["ensemble"]
    html = view._scores.object
    assert (
        "CRPS of 8 members" in html
        and html.count("<small>absolute error</small>") == 2
        and "0° to 30°" in html
    )
    assert "no evaluation with intervals" in html and html.count("★") == 0  # the star is of the style sheet
    assert html.count('class="own') == 1 and "best" in html
    ranks = view._calibration.ranks
    assert ranks.renderer(LIVE).visible and not ranks.renderer(SEASON).visible
    assert ranks.source(LIVE).data["share"].mean() == pytest.approx(1.0)
    assert view._calibration.spread.renderer(LIVE).visible
    power = view._spectrum.spectrum.source("CRPS ensemble").data["power"]
    np.testing.assert_allclose(power, result.tables["spectra"]["power"].mean("member"))
    assert tables_html(result, {}, None).count("<table>") == 2


def test_figure_and_numbers_are_those_of_the_command(globe, ensembles, engine):
    session = settled_session(
        engine, view="ensemble", region="Europe", members="4", seed=3, methods=["bicubic"]
    )
    numbers = numbers_shown(session)
    by_link = numbers_of(FigureRequest.from_link(recipe_of(session).search))
    assert f"4 members of {NAME}, seed 3" in numbers.caption and NAME + " (" in numbers.caption
    assert by_link.caption == numbers.caption and set(by_link.datasets) == set(numbers.datasets)
    for table in ("scores", "ranks", "wavenumbers"):
        xr.testing.assert_allclose(by_link.datasets[table], numbers.datasets[table], rtol=2e-3)
    for kind in ("png", "pdf", "nc", "csv"):
        _name, content = file_of(numbers, kind)
        assert content
    assert "scores_by_model.csv" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert float(numbers.datasets["scores"]["energy_ratio"]) > 0


def test_the_evaluation_beside_the_members_is_one_that_has_this_ensemble(repository):
    """Two evaluations of simulated weather ship: only one has members."""
    demo = description_of(ad.open_demo(), next(one for one in list_sources() if one.key == "demo"))
    usual, shown = long_record(demo), record_of_ensemble("ensemble-4x-atmodist", demo)
    assert usual.score("crps", "ensemble-4x-atmodist", "vorticity") is None
    tree = open_evaluation(repository / "assets" / "results" / "evaluation_ensembles.nc")
    for field in ("vorticity", "divergence"):
        crps = shown.score("crps", "ensemble-4x-atmodist", field)
        one = tree["scores"].to_dataset().sel(measure="crps", model="ensemble-4x-atmodist", field=field)
        assert (crps.value, crps.low) == (float(one["value"]), float(one["low"]))
        assert crps.value < 0.75 * shown.score("mae", "srgan-4x-mse", field).value
    assert record_of_ensemble("unknown", demo).description == usual.description


def test_rank_histograms_of_unequal_ensembles_have_one_width(repository):
    tree = open_evaluation(repository / "assets" / "results" / "evaluation_ensembles.nc")
    season = tree["ensembles"].to_dataset().sel(model="ensemble-4x-atmodist", field="vorticity")
    live = xr.Dataset({"share": ("rank", np.full(9, 1 / 9))})  # 8 members; the evaluation has 16
    figures = CalibrationFigures()
    figures.draw({"ranks": live}, season, "#123456", "#654321")
    drawn, stored = (figures.ranks.source(name).data for name in (LIVE, SEASON))
    assert season.sizes["rank"] == 17 and len(stored["rank"]) > len(drawn["rank"])
    for end in (0, -1):
        assert stored["rank"][end] == pytest.approx(drawn["rank"][end])
    middle = np.searchsorted(stored["rank"], 4.0)  # half of the members below the truth, in both
    assert stored["rank"][middle - 1] < 4.0 < stored["rank"][middle]


def test_small_scale_power_is_the_same_number_in_all_views(globe, ensembles, engine):
    session = settled_session(
        engine, view="ensemble", region="Europe", members="4", methods=["bicubic", NAME]
    )
    shown = float(session.results["ensemble"].tables["scores"]["energy_ratio"])
    html = tables_html(session.results["ensemble"], {}, long_record())
    one_member = re.search(r"one member has (\d+) % of the small-scale power", ensemble_line(session))
    of_members = []
    for number in range(1, 5):
        changed(session, view="maps", draw=str(number))
        of_members.append(session.comparison.scores[NAME].energy_ratio)
    assert np.std(of_members) > 0 and shown == pytest.approx(np.mean(of_members), rel=1e-4)
    assert int(one_member[1]) == round(100 * shown)
    assert MEASURES["energy_ratio"].definition in unescape(html)
    assert QUESTIONS["small-scale power"][0] == "energy_ratio" and "energy_ratio" in HEADLINE
    # Against an independent sum: all cosine modes shorter than twice the coarse spacing, the corners of the plane of modes too.
    truth, factor = session.comparison.truth, 4
    drawn = session.comparison.answers[NAME].given
    height, width = (spacing_km(truth, axis) for axis in ("latitude", "longitude"))
    power = []
    for ds in (drawn, truth):
        field = ds["vorticity"].values[0].astype(float)
        modes = dctn(field, norm="ortho") ** 2
        rows, columns = (
            np.arange(n) / (2 * n * d) for n, d in zip(field.shape, (height, width), strict=True)
        )
        shorter = np.hypot(rows[:, None], columns) > 1 / (2 * factor * max(height, width)) * (1 + 1e-6)
        power.append(modes[shorter].sum())
    assert of_members[-1] == pytest.approx(power[0] / power[1], rel=0.02)


def spacing_km(ds, axis):
    """Distance of neighbouring points in the middle of the region."""
    step = np.deg2rad(abs(float(ds[axis][1] - ds[axis][0]))) * EARTH_RADIUS_M / 1000
    return step if axis == "latitude" else step * np.cos(np.deg2rad(float(ds["latitude"].mean())))


def test_other_views_show_one_member_or_the_mean(globe, ensembles, engine):
    session = settled_session(
        engine, view="maps", region="Europe", methods=["bicubic", NAME], draw="3", seed=5
    )
    shown = next(method for method in session.methods if method.name == NAME)
    assert shown.label == "CRPS ensemble, one member" and shown.draw == Draw(5, (2,))
    coarse = engine.frame(session.comparison.question, _Silent()).coarse
    drawn = ad.load_downscaler(NAME)(coarse, members=4, seed=5, region="Europe")["divergence"]
    here = session.comparison.answers[NAME]
    assert here.quality == EXACT
    np.testing.assert_allclose(here.given["divergence"], drawn.isel(member=2), rtol=1e-4, atol=1e-9)
    before = session.comparison.scores[NAME]
    changed(session, draw="mean", members="4")
    mean = session.comparison.answers[NAME].given["divergence"]
    np.testing.assert_allclose(mean, drawn.mean("member"), rtol=1e-3, atol=1e-9)
    assert session.comparison.scores[NAME].rmse < before.rmse
    assert session.labels[NAME] == "CRPS ensemble, mean of 4 members"
    control = DrawControl(session)
    assert control._content.visible and control._content.value == "mean"
    assert draw_of("2", "8", 1) == Draw(1, (1,))


def test_the_factor_changes_coarse_field_and_models(globe, ensembles, engine):
    session = settled_session(engine, region="Globe", methods=["bicubic", NAME])
    assert session.factors == [4, 8] and "ensemble-8x-pixel" not in session.labels
    control = FactorControl(session)
    assert control._content.visible and list(control._content.options) == [
        "4× (10° to 2.5°)",
        "8× (20° to 2.5°)",
    ]
    coarse = session.comparison.coarse.sizes["latitude"]

    async def choose():
        control._content.value = 8
        await session.settled()

    asyncio.run(choose())
    assert session.comparison.question.factor == 8 and session.state.methods is None
    assert session.comparison.coarse.sizes["latitude"] == coarse // 2
    assert [name for name in session.labels if name.startswith(("sr", "ens"))] == ["ensemble-8x-pixel"]
    assert set(session.comparison.answers) == {"bilinear", "bicubic", "ensemble-8x-pixel"}
    assert not [message for message in session.messages if message.kind == "warning"]
    lost = settled_session(engine, factor=16, methods=["bicubic"])
    assert lost.state.factor == 4 and any("no model of factor 16" in m.text for m in lost.messages)
    bilinear = methods_for(list_methods()[0], 8, Draw())[0]
    assert bilinear.factor == 8


def test_without_an_ensemble_the_view_says_what_to_do(globe, models, engine):
    session = settled_session(engine, view="ensemble")
    assert any("Expected an ensemble model" in message.text for message in session.messages)
    view = EnsembleView(session)
    assert "atmodist ensemble" in view._note.object
    assert not DrawControl(session)._content.visible and not FactorControl(session)._content.visible
    with pytest.raises(ad.UserError, match="still being drawn"):
        numbers_shown(session)
    session.close()
    press(session, "1")
    press(session, "6")
    assert session.state.view == "ensemble"
