"""The numbers behind a figure: stored, read again, and drawn."""

import io
import zipfile

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.figures import figure_bytes
from atmodist_core.figures.numbers.numbers import Numbers, fields_numbers, spectra_numbers
from atmodist_core.figures.numbers.request import FigureRequest, region_words
from atmodist_core.figures.views import FIGURES, figure_of


def state(seed, points=24):
    random = np.random.default_rng(seed)
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {"vorticity": (dims, 1e-5 * random.normal(size=(1, points, points)), {"units": "s-1"})},
        {
            "time": [np.datetime64("2001-01-01", "ns")],
            "latitude": 50.0 - np.arange(points),
            "longitude": np.arange(float(points)),
        },
    )


@pytest.fixture
def numbers():
    scores = {"bicubic": {"rmse": 1e-5, "atmodist": 0.1}}
    tables = fields_numbers({"truth": state(0), "bicubic": state(1)}, state(2, 6), "vorticity", scores)
    return Numbers("maps", tables, "Data: a test. 2001-01-01.")


def test_netcdf_holds_every_table_and_the_caption(numbers, tmp_path):
    file = tmp_path / "numbers.nc"
    file.write_bytes(numbers.netcdf({"link": "?view=maps"}))
    with xr.open_datatree(file) as tree:
        assert tree.attrs["caption"] == "Data: a test. 2001-01-01." and tree.attrs["link"] == "?view=maps"
        np.testing.assert_array_equal(
            tree["fields"]["vorticity"].sel(model="bicubic"), state(1)["vorticity"].isel(time=0)
        )
        assert float(tree["scores"]["score"].sel(model="bicubic", measure="rmse")) == 1e-5
        assert tree["coarse"].sizes["latitude"] == 6


def test_csv_has_a_row_for_each_combination_of_coordinates(numbers):
    tables = numbers.csv()
    assert set(tables) == {"fields.csv", "coarse.csv", "scores.csv"}
    lines = tables["fields.csv"].strip().splitlines()
    assert lines[0] == "model,latitude,longitude,vorticity" and len(lines) == 1 + 2 * 24 * 24


def test_variables_on_different_axes_make_different_tables():
    ds = xr.Dataset({"a": ("x", [1.0, 2.0]), "b": ("y", [3.0])}, {"x": [0, 1], "y": [0]})
    tables = Numbers("any", {"both": ds}, "").csv()
    assert set(tables) == {"both_by_x.csv", "both_by_y.csv"}


def test_the_figure_is_drawn_from_the_numbers_alone(numbers):
    picture = figure_bytes(figure_of(numbers), "png", dpi=50)
    assert picture[:4] == b"\x89PNG"
    with pytest.raises(ad.UserError, match="Expected numbers of a view"):
        figure_of(Numbers("nothing", {}, ""))


def test_spectra_of_several_methods_share_one_table():
    def spectrum(count):
        degree = np.arange(1.0, count + 1)
        names = ("kinetic_energy", "vorticity", "divergence")
        return xr.Dataset(
            {n: ("total_wavenumber", degree**-2.0) for n in names}, {"total_wavenumber": degree}
        )

    lags = xr.Dataset({"vorticity": ("lag_km", [0.5, 1.0])}, {"lag_km": [100.0, 200.0]})
    tables = spectra_numbers(
        {
            "truth": {"spectrum": spectrum(40), "semivariogram": lags},
            "coarse": {"spectrum": spectrum(10)},
            "bicubic": {"spectrum": spectrum(40), "semivariogram": lags},
        }
    )
    assert tables["spectra"].sizes == {"model": 3, "time": 1, "total_wavenumber": 40}
    assert int(tables["spectra"]["vorticity"].sel(model="coarse").count()) == 10
    assert list(tables["semivariograms"]["model"].values) == ["truth", "bicubic"]
    tables["spectra"].attrs["coarse_nyquist_degree"] = 10.0
    figure = figure_of(Numbers("spectra", tables, "A caption. " * 30))
    assert figure_bytes(figure, "svg")[:5] == b"<?xml"


def test_figures_and_views_have_the_same_names():
    from app.state.view_registry import VIEW_ENTRIES

    assert set(VIEW_ENTRIES) <= set(FIGURES)


def test_a_link_is_read_as_on_the_page():
    asked = FigureRequest.from_link(
        "http://localhost:5006/main?view=distances&data=demo&time=2001-01-05T03:00&methods=bicubic,mine&step=2&"
        "period=2001-01-05T00:00/2001-01-06T00:00&theme=dark"
    )
    assert asked.view == "distances" and asked.methods == ("bicubic", "mine") and asked.step == 2
    assert asked.times == ("2001-01-05T00:00", "2001-01-06T00:00") and asked.others == {"theme": "dark"}
    with pytest.raises(ad.UserError, match="number for 'step'"):
        FigureRequest.from_link("?step=many")


def test_a_region_in_words_has_its_edges():
    assert region_words("Europe") == "Europe (30°N–75°N, 25°W–45°E)"
    assert region_words("-10,10,190,200") == "10°S–10°N, 170°W–160°W"


def test_a_zip_can_be_opened():
    from app.export.files import zipped

    archive = zipfile.ZipFile(io.BytesIO(zipped({"maps/a b.csv": b"x"})))
    assert archive.read("maps/a b.csv") == b"x"
