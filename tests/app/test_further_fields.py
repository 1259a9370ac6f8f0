"""Fields beside vorticity and divergence on the maps: temperature and humidity of data that hold them."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.compute.colour_limits import field_ends
from app.compute.control import Control
from app.export.comparison import maps_numbers
from app.export.movies import make_movie, order_movie
from app.page.field_control import FieldControl
from app.session.session import Session
from app.session.takeaways import maps_line
from app.state.state import StudioState
from app.views.maps.view import MapsView
from app.views.shared.takeaway import Takeaway
from atmodist_core.figures.numbers.compute import numbers_of
from atmodist_core.figures.numbers.request import FigureRequest
from atmodist_core.figures.views import figure_of
from tests.app.conftest import run, settled_session

FILE = "weather.nc"
TEMPERATURE = {"data_set": FILE, "level": "850 hPa", "region": "Globe", "field": "temperature"}


def weather() -> xr.Dataset:
    """Wind, temperature and humidity at two levels over 24 x 32 points of one degree, at three times."""
    random = np.random.default_rng(3)
    latitude, longitude = 60.0 - np.arange(24), np.arange(32.0)
    shape = (3, 2, 24, 32)
    cold = 240.0 + 0.5 * (60.0 - latitude)[:, None] + np.zeros(shape)
    fields = {
        "u": ("m s-1", random.normal(0, 8, shape)),
        "v": ("m s-1", random.normal(0, 8, shape)),
        # The upper level is 30 K colder.
        "t": ("K", cold + 30.0 * np.arange(2)[:, None, None] + random.normal(0, 1, shape)),
        "q": ("kg kg-1", random.uniform(1e-3, 1e-2, shape)),
    }
    axes = {
        "time": np.arange("2020-07-01", "2020-07-04", dtype="datetime64[D]").astype("datetime64[ns]"),
        "level": ("level", [500.0, 850.0], {"units": "hPa"}),
        "latitude": latitude,
        "longitude": longitude,
    }
    return xr.Dataset(
        {
            name: (tuple(axes), values.astype(np.float32), {"units": units})
            for name, (units, values) in fields.items()
        },
        axes,
    )


@pytest.fixture
def file(tmp_path, globe, models, monkeypatch):
    """Path of the file, which the page offers."""
    weather().to_netcdf(tmp_path / FILE)
    monkeypatch.setenv("ATMODIST_DATA", str(tmp_path))
    return tmp_path / FILE


@pytest.fixture
def session(file, engine):
    return settled_session(engine, **TEMPERATURE, methods=["bicubic", "srgan-4x-mse"])


def test_temperature_is_mapped_by_those_who_can(session):
    comparison = session.comparison
    assert session.data.further_fields == ("u", "v", "temperature", "specific_humidity")
    expected = weather()["t"].isel(time=0, level=1)
    np.testing.assert_array_equal(comparison.values("truth"), expected)
    means = ad.coarsen(expected.to_dataset(name="temperature"))["temperature"]
    np.testing.assert_allclose(comparison.values("coarse"), means, rtol=1e-6)
    assert comparison.answers["bicubic"].fields["temperature"].shape == (1, 24, 32)
    assert comparison.scores["bicubic"].rmse > 0.1
    assert (
        comparison.scores["bicubic"].note
        == "The distance network sees vorticity and divergence, not temperature."
    )
    answer = comparison.answers["srgan-4x-mse"]
    assert answer.fields is None
    assert answer.problem == "This model makes vorticity and divergence, not temperature."
    assert "RMSE of temperature" in maps_line(session) and " K" in maps_line(session)


def test_the_scale_covers_the_range_of_the_truth(session):
    values = session.comparison.values("truth")
    low, high = field_ends(session.comparison, fixed=12.0)
    # Half a percent at each end lies outside; ends are rounded to a hundredth to a tenth of the range, here 0.1 or 1 K.
    assert np.quantile(values, 0.005) - 1.0 < low <= np.quantile(values, 0.005)
    assert np.quantile(values, 0.995) <= high < np.quantile(values, 0.995) + 1.0
    view = MapsView(session)
    assert "Temperature [K]" in view._bar.object
    session.state.show = "difference"
    assert "Method minus truth [K]" in view._bar.object
    wind = replace(session.comparison, question=replace(session.comparison.question, field="u"))
    wind = replace(wind, truth=wind.truth.rename(temperature="u") - 260.0)
    low, high = field_ends(wind, None)
    assert low == -high


def test_a_model_of_temperature_makes_it(file, engine, model_folder, tmp_path, monkeypatch):
    import torch

    from atmodist_core.models.card import ModelCard
    from atmodist_core.models.store import save_downscaler
    from atmodist_core.networks import Generator
    from atmodist_core.networks.generator import GeneratorConfig
    from atmodist_core.networks.normalization import SignedLogNormalization

    channels = ("temperature@850", "specific_humidity@850")
    fields = ad.open_fields(file, fields=channels)
    torch.manual_seed(0)
    card = ModelCard(
        name="warm",
        kind="downscaler",
        architecture={},
        channels=channels,
        normalization=SignedLogNormalization.from_fields(fields, channels=channels),
        grid_spacing_deg=1.0,
        factor=4,
    )
    save_downscaler(tmp_path / "own" / "warm", Generator(GeneratorConfig(filters=4, blocks=1)), card)
    monkeypatch.setenv("ATMODIST_MODELS", str(tmp_path / "own"))
    session = settled_session(engine, **TEMPERATURE, methods=["warm"])
    found = session.comparison.answers["warm"]
    assert found.problem == ""
    expected = ad.load_downscaler("warm")(ad.coarsen(fields.isel(time=[0]).load()))["temperature@850"]
    spread = float(expected.std())
    np.testing.assert_allclose(found.fields["temperature"], expected, atol=1e-4 * spread)
    session = settled_session(engine, **TEMPERATURE | {"level": "500 hPa"}, methods=["warm"])
    assert session.comparison.answers["warm"].problem == (
        "This model makes temperature at 850 and specific humidity at 850, not temperature at 500 hPa."
    )
    request = FigureRequest(
        data=FILE, level="850 hPa", region="Globe", field="temperature", methods=("warm",)
    )
    mapped = numbers_of(request).datasets["fields"]["temperature"].sel(model="warm")
    np.testing.assert_allclose(mapped, expected.isel(time=0), atol=1e-4 * spread)


@pytest.mark.filterwarnings("ignore::atmodist_core.common.errors.AtmodistWarning")
@pytest.mark.parametrize(
    "view", ["spectra", "distances", "cities", "ensemble", "features", "models", "scorecard"]
)
def test_other_views_show_vorticity_and_say_so(file, engine, view):
    session = settled_session(engine, view=view, **TEMPERATURE, methods=["bicubic"])
    assert session.state.field == "temperature", "it is there again on the maps"
    assert not [message.text for message in session.messages if "unexpected" in message.text]
    says = "This view has no temperature and shows vorticity." in Takeaway(session)._content.object
    assert says == (view not in ("models", "scorecard")), "these two show no single field"
    if view == "spectra":
        assert session.comparison.question.field == "vorticity"
        session._started = False  # nothing is computed here
        session.state.view = "maps"
        assert "has no temperature" not in Takeaway(session)._content.object


def test_a_link_keeps_the_field_where_the_data_hold_it(file, engine):
    state = StudioState()
    assert not state.read_query({"data": FILE, "field": "specific_humidity", "region": "Globe"})
    session = run(Session(state, engine))
    assert session.state.to_query()["field"] == "specific_humidity"
    state = StudioState()
    state.read_query({"data": "demo", "field": "temperature"})
    session = run(Session(state, engine))
    assert session.state.field == "vorticity" and session.comparison.question.field == "vorticity"
    (sentence,) = [message.text for message in session.messages if message.key == "link"]
    assert sentence == "The link asks for temperature, which these data do not hold; vorticity is shown."


def test_the_list_offers_what_the_data_hold(file, engine):
    session = settled_session(engine, data_set=FILE, region="Globe", methods=["bicubic"], view="models")
    control = FieldControl(session, 264)
    assert control._further.visible and list(control._further.options)[1:] == [
        "Eastward wind [m s⁻¹]",
        "Northward wind [m s⁻¹]",
        "Temperature [K]",
        "Specific humidity [g kg⁻¹]",
    ]
    assert control._usual.value == "vorticity" and control._further.value == ""
    session.state.param.update(scale="fixed", limit=8.0)
    session._started = False  # nothing is computed here
    control._further.value = "temperature"
    assert session.state.field == "temperature" and control._usual.value is None
    assert (session.state.scale, session.state.limit) == ("quantile", None), "8e-5 s-1 are no kelvins"
    control._usual.value = "divergence"
    assert session.state.field == "divergence" and control._further.value == ""
    demo = settled_session(engine, methods=["bicubic"], view="models")
    assert not FieldControl(demo, 264)._further.visible


def test_figure_and_command_give_the_same_numbers(session):
    numbers = maps_numbers(session)
    assert list(numbers.datasets["fields"]["model"].values) == ["truth", "bicubic"]
    query = "?" + "&".join(f"{name}={value}" for name, value in session.state.to_query().items())
    by_command = numbers_of(FigureRequest.from_link(query))
    xr.testing.assert_allclose(numbers.datasets["fields"], by_command.datasets["fields"])
    assert numbers.caption == by_command.caption and "; temperature." in numbers.caption
    figure = figure_of(numbers)
    low, high = figure.axes[0].images[0].get_clim()
    assert 265.0 < low < high < 290.0
    spectra = numbers_of(FigureRequest.from_link(query.replace("view=maps", "view=spectra")))
    assert "vorticity" in spectra.datasets["spectra"]


def test_a_movie_of_temperature(session):
    name, content = make_movie(order_movie(session, "gif"), Control())
    assert name.endswith(".gif") and content[:3] == b"GIF"
