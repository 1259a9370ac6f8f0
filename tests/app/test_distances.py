"""The Distances view without a browser: what is compared, kept and drawn."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from app.session.session import Session
from app.state.state import StudioState
from app.views.distances.confusion_figure import ConfusionFigure, confusion_head_html, confusion_note_html
from app.views.distances.distance_tables import methods_html
from app.views.distances.view import DistancesView, pair_of
from atmodist_core.figures.numbers import times
from atmodist_core.figures.numbers.times import compared_times
from tests.app.conftest import settled_session


@pytest.fixture
def compared(globe, models, engine):
    return settled_session(engine, view="distances", region="Globe")


def test_times_are_compared_by_both_distances(compared, globe):
    result = compared.results["distances"]
    assert result.complete and result.problems == () and len(result.texts) == 12
    matrices = result.matrices
    assert matrices["rmse"].shape == matrices["atmodist"].shape == (12, 12)
    direct = compared.engine.distance().matrix(globe.isel(time=slice(0, 3)))
    np.testing.assert_allclose(matrices["atmodist"][:3, :3], direct, rtol=1e-4, atol=1e-10)
    assert result.confusion is not None and result.curves is not None
    assert set(result.methods["model"].values) == {
        "truth",
        "bilinear",
        "bicubic",
        "srgan-4x-mse",
        "srgan-4x-atmodist",
    }
    assert compared.activity.startswith("All distances of 12 times")


def test_embeddings_are_computed_once_for_all_sessions(compared, models, engine, monkeypatch):
    calls = []
    real = type(engine.distance()).embed
    monkeypatch.setattr(
        type(engine.distance()), "embed", lambda self, *a, **k: calls.append(1) or real(self, *a, **k)
    )
    again = settled_session(
        engine, view="distances", region="Globe", period="2001-01-05T00:00/2001-01-05T12:00"
    )
    assert len(again.results["distances"].texts) == 5 and calls == []


def test_a_region_smaller_than_a_patch_is_covered_with_its_surroundings(globe, models, engine):
    session = settled_session(engine, view="distances", region="-40,30,120,200")
    result = session.results["distances"]
    assert result.complete and result.matrices is not None and result.curves is not None
    size = engine.distance().inference.network.classifier.config.patch_size
    assert result.fields.sizes["latitude"] < size
    confusion = result.confusion
    assert confusion.attrs["covers_surroundings"] and int(confusion["count"].sum()) > 0
    assert f"{confusion.attrs['area']} (the region and its surroundings)" in confusion_note_html(confusion)
    assert session.messages == []


def test_tables_are_read_by_the_names_of_their_axes(compared):
    result = compared.results["distances"]
    turned = replace(
        result,
        confusion=result.confusion.transpose(),
        methods=result.methods.transpose("other_model", "model"),
    )
    drawn = [ConfusionFigure() for _ in range(2)]
    for figure, one in zip(drawn, (turned, result), strict=True):
        figure.draw(one.confusion)
    pictures = [figure.plot.source("predicted lags").data for figure in drawn]
    for name in ("image", "pairs", "true", "predicted"):
        np.testing.assert_array_equal(pictures[0][name][0], pictures[1][name][0])
    assert methods_html(turned, {}) == methods_html(result, {})


def test_without_a_network_there_is_rmse(globe, no_models, engine):
    session = settled_session(engine, view="distances")
    result = session.results["distances"]
    assert result.model == "" and "atmodist" not in result.matrices
    assert list(result.curves["measure"].values) == ["l2", "l1", "1-SSIM"]
    view = DistancesView(session)
    learned, plain = (one.plot.source("distance").data["image"] for one in (view._learned, view._plain))
    assert learned == [] and len(plain) == 1


def test_too_many_times_are_left_out_and_said():
    index, note = compared_times(np.arange(500), 100, chosen=True)
    assert index.size <= times.MOST_TIMES and "every third is taken" in note
    index, note = compared_times(np.arange(10), 100, chosen=False)
    assert index.size == 10 and note == ""
    index, note = compared_times(np.arange(240), 1280 * 2560, chosen=True)
    assert index.size * 1280 * 2560 <= times.MOST_VALUES
    index, note = compared_times(np.arange(240), 100, chosen=False)
    assert index.tolist() == list(range(80)) and "until a period is chosen" in note


def test_the_view_draws_matrices_curves_and_the_pair(compared):
    view = DistancesView(compared)
    result = compared.results["distances"]
    drawn = view._plain.plot.source("distance").data["image"][0]
    np.testing.assert_allclose(drawn, result.matrices["rmse"].values * 1e5, rtol=1e-6)
    view._plain._tapped(SimpleNamespace(x=7.5, y=2.2))
    assert compared.state.pair == f"{result.texts[2]}/{result.texts[7]}"
    first = view._pair._maps[0].source.data["image"][0]
    expected = result.fields["vorticity"].values[2] * 1e5
    np.testing.assert_allclose(np.sort(first.ravel()), np.sort(expected.ravel()), rtol=1e-5)
    assert "15 h apart" in view._pair._head.object
    for matrix in (view._learned, view._plain):
        mark = {name: column[0] for name, column in matrix.plot.source("chosen pair").data.items()}
        assert mark == {"left": 2, "bottom": 7, "right": 3, "top": 8}
    assert view._plain.plot.hover("distance").tooltips[-1] == ("RMSE", "@image{%.3g} 10⁻⁵ s⁻¹")
    assert view._plain._times.data["text"][3] == "2001-01-05 09:00"
    view._plain._tapped(SimpleNamespace(x=-3.0, y=2.2))
    assert compared.state.pair.startswith(result.texts[2])
    shown = view._lags.plot.source("l2").data
    np.testing.assert_allclose(shown["distance"], result.curves["mean"].sel(measure="l2"))
    np.testing.assert_array_equal(shown["pairs"], result.curves["pairs"])
    band = view._lags.plot.source("l2, one standard deviation").data
    one = result.curves.sel(measure="l2")
    ends = (one["mean"] - one["standard_deviation"]).min(), (one["mean"] + one["standard_deviation"]).max()
    np.testing.assert_allclose((band["y"].min(), band["y"].max()), ends)
    assert [item.label.value for item in view._lags.figure.legend[0].items if item.visible] == [
        *("AtmoDist", "l2", "l1", "1-SSIM")
    ]


def test_a_pair_with_missing_points_has_a_colour_scale(compared):
    """Projected grids and swaths have missing corners: their maps were blank, with limits that are no numbers."""
    view = DistancesView(compared)
    result = compared.results["distances"]
    fields = result.fields.copy(deep=True)
    whole = np.abs(fields["vorticity"].values[[1, 4]] * 1e5)
    fields["vorticity"].values[:, :5, :5] = np.nan
    view._pair.draw(replace(result, fields=fields), 1, 4)
    rest = np.delete(
        whole.reshape(2, -1), np.ravel_multi_index(np.ix_(range(5), range(5)), whole.shape[1:]), 1
    )
    limit = view._pair._scale.high
    assert view._pair._scale.low == -limit and "nan" not in view._pair._bar.object
    assert np.quantile(rest, 0.99) <= limit <= 1.1 * np.quantile(rest, 0.99)


def test_the_pair_of_a_link_is_shown_and_another_where_it_is_not_there():
    texts = tuple(f"2001-01-05T{hour:02}:00" for hour in range(12))
    assert pair_of("2001-01-05T03:00/2001-01-05T05:00", texts) == (3, 5)
    assert pair_of("1999-01-01T00:00/2001-01-05T05:00", texts) == (0, 8) == pair_of("", texts)


def test_tables_say_what_is_best_and_how_often_the_guess_is_right(compared):
    result = compared.results["distances"]
    table = methods_html(result, {"truth": "Truth"})
    assert table.count("<caption>") == 3 and "class=best" in table and "Truth" in table
    assert "% correct (chance: 33 %)" in confusion_note_html(result.confusion)
    assert "atmodist" in confusion_head_html(result) and confusion_head_html(None).startswith(
        '<div class="head">'
    )


def test_another_field_changes_the_rmse_and_computes_no_embedding(globe, models, engine):
    async def steps():
        session = Session(StudioState(view="distances", region="Globe"), engine)
        session.start([])
        await session.settled()
        before = session.results["distances"]
        session.state.field = "divergence"
        await session.settled()
        after = session.results["distances"]
        assert after.matrices["rmse"].attrs["units"] == "s-1" and after.question.field == "divergence"
        assert not np.allclose(after.matrices["rmse"], before.matrices["rmse"])
        np.testing.assert_array_equal(after.matrices["atmodist"], before.matrices["atmodist"])
        session.close()

    asyncio.run(steps())
