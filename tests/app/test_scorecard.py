"""The view Scorecard and the lines above the views, without a browser."""

import asyncio
import json
import re

import numpy as np
import pytest

import atmodist_core as ad
from app.export.files import file_of, numbers_shown
from app.page.keyboard import press
from app.session import takeaways
from app.session.long_record import long_record
from app.session.session import Session
from app.state.link import query_of, search_of
from app.state.state import StudioState
from app.state.view_registry import VIEW_ENTRIES, VIEWS, load
from app.views.scorecard.scorecard_html import table_html, view_of
from app.views.scorecard.view import ScorecardView
from app.views.shared.takeaway import Takeaway
from atmodist_core.common.assets import asset_folder
from atmodist_core.evaluation.results.file import open_evaluation, write_evaluation
from atmodist_core.figures.findings.scorecard import cell_text, scorecard_table
from atmodist_core.figures.findings.shown_evaluation import evaluation_file
from atmodist_core.figures.method_styles import method_style
from atmodist_core.figures.numbers.compute import numbers_of
from atmodist_core.figures.numbers.data_sets import list_sources
from atmodist_core.figures.numbers.request import FigureRequest
from atmodist_core.models.fit import DataTraits
from tests.app.conftest import run, settled_session, small_globe

REAL = asset_folder("results")


@pytest.fixture(scope="module")
def results_of_the_globe(tmp_path_factory):
    """The evaluations that ship, the first as if it were of data like the small globe."""
    folder = tmp_path_factory.mktemp("results")
    tree = open_evaluation(REAL / "evaluation.nc")
    (entry,) = json.loads(tree.attrs["data"])
    tree.attrs["data"] = json.dumps([{**entry, "traits": DataTraits.stated(small_globe()).to_dict()}])
    write_evaluation(tree, folder / "evaluation.nc")
    for path in REAL.iterdir():
        if path.name != "evaluation.nc":
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def shipped_results(models, assets_without_models, results_of_the_globe, tmp_path, monkeypatch):
    """The small models, and the evaluations that ship."""
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "results").symlink_to(results_of_the_globe)
    (folder / "geography").symlink_to(assets_without_models / "geography")
    monkeypatch.setenv("ATMODIST_ASSETS", str(folder))


@pytest.fixture
def session(globe, shipped_results, engine):
    return settled_session(engine, view="scorecard")


def changed(session, **choices):
    """The session after other choices, when everything is computed."""

    async def change():
        session.state.param.update(**choices)
        await session.settled()

    asyncio.run(change())


def cells(html):
    """Text of each cell by measure and model."""
    found = re.findall(
        r'data-measure="([^"]+)" data-model="([^"]+)"[^>]*aria-label="([^"]*)">([^<]*)<small>', html
    )
    return {(measure, model): (tip, text) for measure, model, tip, text in found}


def test_the_scorecard_is_the_first_tab_and_key_0(session):
    session.close()
    assert next(iter(VIEWS)) == "scorecard" and StudioState().view == "maps"
    for key, view in enumerate(VIEWS):
        press(session, str(key))
        assert session.state.view == view
    press(session, "9")
    assert session.state.view == list(VIEWS)[-1]


def test_cells_show_the_numbers_of_the_file_and_explain_themselves(session):
    view = ScorecardView(session)
    vorticity, divergence = view._tables.tables
    tree = open_evaluation(REAL / "evaluation.nc")
    for field, html in (("vorticity", vorticity), ("divergence", divergence)):
        found = cells(html)
        table = scorecard_table(tree, field=field)
        for (measure, model), (tip, text) in found.items():
            if measure == "cost":
                continue
            one = table.sel(measure=measure, model=model)
            if "[10" not in tip and str(one["units"].item()) == "1":
                assert text == cell_text(one), (measure, model)
            assert str(one["definition"].item())[:20] in tip.replace("&#x27;", "'")
            assert "Select to open the view" in tip
            state = str(one["state"].item())
            assert ("undecided" in tip) == (state in ("not distinguishable", "no interval")), (measure, model)
            assert (": decided" in tip) == (state in ("closer", "further"))
    assert found["rmse", "srgan-4x-mse"][0].startswith(
        f"{method_style('srgan-4x-mse').label} · root mean square error of divergence"
    )
    assert "reference" in found["rmse", "srgan-4x-mse"][0]
    assert "simulated weather" in view._basis.object and "280 times" in view._basis.object
    assert "not of the time and region shown" in view._basis.object
    assert "No model is best" in view._answer.object
    assert view._lags.visible and "lag accuracy" in view._lags.label


def test_the_reference_is_a_choice_in_the_link(session):
    ScorecardView(session)
    state = StudioState(reference="bicubic", measures="all", view="scorecard")
    query = query_of(search_of(state.to_query()))
    assert query["reference"] == "bicubic" and query["measures"] == "all"
    again = StudioState()
    assert again.read_query(query) == [] and again.reference == "bicubic"
    other = settled_session(session.engine, view="scorecard", reference="bicubic", measures="all")
    view = ScorecardView(other)
    assert other.results["scorecard"].tables["vorticity"].attrs["reference"] == "bicubic"
    assert "power_ratio_91_112" in view._tables.tables[0]
    assert view._reference.widget.value == "bicubic"
    assert "" in view._reference.widget.options.values()
    lost = settled_session(session.engine, view="scorecard", reference="nobody")
    assert any("no model &#x27;nobody" in m.text or "no model 'nobody'" in m.text for m in lost.messages)


@pytest.mark.parametrize(
    ("measure", "view"),
    [
        ("energy_ratio", "spectra"),
        ("rmse", "maps"),
        ("cities_3", "cities"),
        ("wasserstein", "cities"),
        ("cost", "models"),
    ],
)
def test_a_cell_opens_the_view_that_explains_it(session, measure, view):
    shown = ScorecardView(session)
    session.close()
    shown._open(measure, "srgan-4x-atmodist", "" if measure == "cost" else "divergence")
    assert session.state.view == view
    if measure == "cities_3":
        assert (session.state.candidate, session.state.baseline, session.state.box) == (
            "srgan-4x-atmodist",
            "srgan-4x-mse",
            "3",
        )
    if measure != "cost":
        assert session.state.field == "divergence"


def test_forged_cells_are_ignored(session):
    shown = ScorecardView(session)
    for forged in (
        ("rmse", "nobody", "vorticity"),
        ("beauty", "bicubic", "vorticity"),
        ("rmse", "bicubic", "rain"),
    ):
        shown._open(*forged)
    shown._tables._handle_msg("text")
    assert session.state.view == "scorecard"
    assert view_of("atmodist", "errors") == "distances"


def test_models_of_another_version_are_marked(session):
    html = ScorecardView(session)._tables.tables[0]
    # The small models of the tests are other versions of those evaluated; interpolations have none.
    assert html.count("other version") == 2
    table = scorecard_table(REAL / "evaluation.nc")
    names = {str(name): "<b>" for name in table["model"].values}
    assert "<b>" not in table_html(table, names, VIEWS, {}, [])


def test_figure_and_numbers_are_those_of_the_page(session, tmp_path):
    numbers = numbers_shown(session)
    assert set(numbers.datasets) == {"vorticity", "divergence"} and "280 times" in numbers.caption
    for kind in ("png", "svg", "pdf", "nc", "csv"):
        name, content = file_of(numbers, kind)
        assert content
    name, content = file_of(numbers, "nc")
    (tmp_path / name).write_bytes(content)
    import xarray as xr

    with xr.open_dataset(tmp_path / name, group="vorticity") as stored:
        one = stored.sel(model="bicubic", measure="rmse")
        expected = scorecard_table(REAL / "evaluation.nc").sel(model="bicubic", measure="rmse")
        assert float(one["low"]) == float(expected["low"]) and str(one["state"].item()) == "further"
    by_link = numbers_of(FigureRequest.from_link("?view=scorecard&data=demo"))
    assert by_link.datasets["divergence"].equals(numbers.datasets["divergence"])


def test_a_data_set_has_its_own_evaluation_beside_it(tmp_path, monkeypatch, globe, shipped_results, engine):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    globe.to_netcdf(tmp_path / "data" / "mine.nc")
    assert evaluation_file("mine.nc").is_own is False
    tree = open_evaluation(REAL / "evaluation.nc")
    data = json.loads(tree.attrs["data"])
    tree.attrs |= {"data": json.dumps([{**data[0], "label": "mine", "simulated": False}]), "times": 7}
    write_evaluation(tree, tmp_path / "data" / "mine.evaluation.nc")
    assert evaluation_file("mine.nc") == (tmp_path / "data" / "mine.evaluation.nc", True, ())
    assert [source.key for source in list_sources()] == ["demo", "mine.nc"]
    assert long_record(engine.describe("mine.nc")).tree.attrs["times"] == 7
    own = settled_session(engine, view="scorecard", data_set="mine.nc")
    view = ScorecardView(own)
    assert "An evaluation of the data shown" in view._basis.object and "7 times" in view._basis.object
    assert "simulated" not in view._basis.object


def test_of_other_data_the_nearest_evaluation_is_shown_as_such(
    tmp_path, monkeypatch, globe, shipped_results, engine
):
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    real = globe.assign_attrs(simulated=0, source="analyses", level="10 m")
    real.to_netcdf(tmp_path / "data" / "mine.nc")
    other = settled_session(engine, view="scorecard", data_set="mine.nc")
    assert not other.data.simulated and other.data.traits.spread
    view, line = ScorecardView(other), load(VIEW_ENTRIES["scorecard"].takeaway)(other)
    assert "No evaluation is of data like those shown" in view._basis.object
    assert "The nearest one has a grid of 1 degrees instead of 2.5" in view._basis.object
    assert line.startswith("No evaluation is of data like those shown. Of ")
    assert cells(view._tables.tables[0]), "it is shown all the same"
    assert long_record(other.data) is None and long_record(other.data, nearest=True) is not None
    changed(other, view="models")
    assert "Recommended by the evaluation" not in load(VIEW_ENTRIES["models"].takeaway)(other)
    assert long_record(engine.describe("demo")).description.startswith("simulated weather")


def test_without_an_evaluation_the_page_says_so(globe, models, engine):
    found = settled_session(engine, view="scorecard")
    assert any("found none that can be read" in message.text for message in found.messages)
    view = ScorecardView(found)
    view._open("rmse", "bicubic", "vorticity")
    with pytest.raises(ad.UserError, match="not read yet"):
        numbers_shown(found)


def test_every_view_has_a_line_from_its_numbers(globe, shipped_results, engine):
    state = StudioState(
        region="Globe", period="2001-01-05T00:00/2001-01-06T00:00", reach="selected", cities=["Seattle"]
    )
    session = run(Session(state, engine))
    line = Takeaway(session)

    def text():
        return re.sub("<[^>]+>", "", line._content.object)

    rmse = {name: one.rmse for name, one in session.comparison.scores.items() if name in session.shown_names}
    best = session.labels[min(rmse, key=rmse.get)]
    assert text().startswith("Over all of the data at this time, ") and f"{best}" in text()
    for view, start in (
        ("spectra", "The power of vorticity at this time"),
        ("distances", "Over this period"),
        ("scorecard", "No model is best"),
    ):
        changed(session, view=view)
        assert text().startswith(start), view
    changed(session, view="models")
    assert text().startswith(
        "Recommended by the evaluation: AtmoDist GAN (spectrum term) for small-scale power"
    )
    # The small models were made for this grid, but never saw any weather.
    assert "trained on data like those shown" in text() or "not made for them" in text()


def test_the_line_is_empty_while_there_is_nothing_to_say(globe, models, engine):
    session = Session(StudioState(), engine)
    for name, entry in VIEW_ENTRIES.items():
        assert load(entry.takeaway)(session) == "", name
    assert "&nbsp;" in Takeaway(session)._content.object


def test_spectra_of_the_line_are_those_of_the_view(globe, models, engine):
    session = settled_session(engine, view="spectra", region="Globe", methods=["bicubic"])
    text = takeaways.spectra_line(session)
    own, truth = (session.comparison.spectra[name]["spectrum"]["vorticity"] for name in ("bicubic", "truth"))
    degree = truth["total_wavenumber"].values
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = own.values / truth.values
    away = [
        n
        for n in range(degree.size - 1)
        if all(abs(ratio[k] - 1) > 0.2 for k in (n, n + 1)) and degree[n] > 0
    ]
    assert f"down to wavelengths of {40030.2 / degree[away[0] - 1]:.0f} km (Bicubic)" in text
