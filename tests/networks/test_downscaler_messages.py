"""What a downscaler says of input that it was not made for, and what it refuses."""

import numpy as np
import pytest

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.inference.downscaler import load_downscaler
from tests.networks.mock_models import area, globe, saved_distance, saved_downscaler

METHODS = ("network", "bilinear", "bicubic")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_downscaler(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def load(folder):
    return lambda method, **options: load_downscaler(folder if method == "network" else method, **options)


def test_no_word_where_the_model_applies(load):
    for method in METHODS:
        assert load(method).applicability(globe()) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda ds: ds.assign_coords(latitude=ds.latitude / 2, longitude=ds.longitude / 2),
            "5 degrees instead of 10",
        ),
        (lambda ds: ds.assign_coords(latitude=ds.latitude * 0.8), "8 degrees in latitude instead of 10"),
        (
            lambda ds: ds.assign(divergence=3 * ds.divergence),
            "divergence with a standard deviation of 8.7e-05 s-1",
        ),
        (lambda ds: ds.assign_attrs(level="10 m"), "level 10 m instead of sigma 0.883"),
    ],
)
def test_a_model_used_elsewhere_says_so_once(tmp_path, change, said):
    downscaler = load_downscaler(saved_downscaler(tmp_path / "tiny", level="sigma 0.883"))
    coarse = change(globe())
    sentence = downscaler.applicability(coarse)
    assert said in sentence and "tiny" in sentence and "\n" not in sentence
    with pytest.warns(AtmodistWarning) as caught:
        fine = downscaler(coarse)
    assert [str(warning.message) for warning in caught] == [sentence]
    assert sentence in fine.attrs["notes"]
    # Warnings are errors here: the second call must be silent.
    assert sentence in downscaler(coarse).attrs["notes"]


def test_spacing_within_a_tenth_is_fine(load):
    assert load("network").applicability(area().assign_coords(longitude=100 + 10.9 * np.arange(16))) is None


BAD_INPUT = [
    (lambda ds: ds.vorticity, "xarray.Dataset"),
    (lambda ds: ds.drop_vars("divergence"), "divergence"),
    (lambda ds: ds.rename(latitude="lat"), "latitude"),
    (lambda ds: ds.drop_vars("longitude"), "longitude"),
    (lambda ds: ds.isel(latitude=slice(None, None, -1)), "strictly decreasing"),
    (lambda ds: ds.isel(longitude=slice(None, None, -1)), "strictly increasing"),
    (lambda ds: ds.isel(latitude=[0]), "at least 2 points"),
    (lambda ds: ds.isel(latitude=[0, 1, 2, 7]), "evenly spaced"),
    (lambda ds: ds.assign_coords(latitude=ds.latitude + 20), "between -90 and 90"),
    (lambda ds: ds.isel(time=[]), "at least one time"),
    (lambda ds: ds.expand_dims(level=[1, 2]), "level"),
    (lambda ds: ds * np.nan, "only missing ones"),
]


@pytest.mark.parametrize(("change", "named"), BAD_INPUT)
@pytest.mark.parametrize("method", ["network", "bilinear"])
def test_bad_input_is_a_sentence(load, method, change, named):
    change_of_fields = change(globe())
    if method == "bilinear" and named == "divergence":
        # Interpolation takes whatever fields there are.
        assert set(load(method)(change_of_fields).data_vars) == {"vorticity"}
        return
    with pytest.raises(UserError, match=named) as caught:
        load(method)(change_of_fields)
    assert str(caught.value).startswith("Expected") and "found" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"tile": 0}, "tile"),
        ({"margin": -1}, "margin"),
        ({"region": "Atlantis"}, "Atlantis"),
    ],
)
def test_bad_options_are_sentences(load, options, named):
    with pytest.raises(UserError, match=named):
        load("network")(globe(), **options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"precision": "float16"}, "float32, bfloat16, auto"),
        ({"device": "abacus"}, "abacus"),
        ({"factor": 8}, "factor of 4"),
    ],
)
def test_bad_loading_options_are_sentences(load, options, named):
    with pytest.raises(UserError, match=named):
        load("network", **options)


def test_only_downscalers_are_loaded(tmp_path):
    with pytest.raises(UserError, match="load_distance"):
        load_downscaler(saved_distance(tmp_path / "d"))
    with pytest.raises(UserError, match=r"no card\.json"):
        load_downscaler(tmp_path)
    with pytest.raises(UserError, match="name of a model"):
        load_downscaler("no-such-model")
    with pytest.raises(UserError, match="factor of 2 or more"):
        load_downscaler("bilinear", factor=1)
