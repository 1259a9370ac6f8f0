"""The state and its address: what goes out comes back, and what does not exist is said."""

import numpy as np
import pytest

import atmodist_core as ad
from app.state.link import query_of, search_of
from app.state.state import (
    DataDescription,
    StudioState,
    default_methods,
    overlaps,
    parse_region,
    region_text,
    shown_methods,
)

TIMES = np.arange("2001-01-05T00", "2001-01-06T00", 3, dtype="datetime64[h]").astype("datetime64[m]")
METHODS = ["bilinear", "bicubic", "srgan-4x-mse"]


def description(**changes):
    values = {
        "key": "demo",
        "label": "Demo",
        "times": TIMES,
        "level": "",
        "levels": (),
        "simulated": True,
        "is_global": True,
        "extent": ad.REGIONS["Globe"],
        "spacing_deg": 0.5,
        "shape": (360, 720),
        "summary": "",
    }
    return DataDescription(**{**values, **changes})


def test_an_address_restores_every_choice():
    chosen = {
        "view": "spectra",
        "data_set": "folder/some file, with a comma.nc",
        "level": "850 hPa",
        "time": "2001-01-05T03:00",
        "field": "wind_speed",
        "region": "-10,20.5,-170,-60",
        "methods": ["bicubic", "srgan-4x-mse"],
        "show": "difference",
        "layout": "swipe",
        "left": "coarse",
        "right": "bicubic",
        "pixels": "mean",
        "projection": "lambert",
        "transect": "51.5,-0.1,41.9,12.5",
        "scale": "fixed",
        "limit": 7.5,
        "theme": "dark",
    }
    first, second = StudioState(), StudioState()
    first.param.update(**chosen)
    assert second.read_query(query_of(search_of(first.to_query()))) == []
    assert {name: getattr(second, name) for name in chosen} == chosen


def test_the_address_stays_short_and_readable():
    state = StudioState(time="2001-01-05T03:00")
    assert search_of(state.to_query()) == (
        "?view=maps&data=demo&time=2001-01-05T03:00&field=vorticity&region=Europe"
    )


def test_what_an_address_does_not_name_goes_back_to_its_default():
    state = StudioState(field="divergence", theme="dark")
    state.param.update(methods=["bicubic"])
    assert state.read_query({"region": "Pacific"}) == []
    assert (state.field, state.theme, state.methods, state.region) == ("vorticity", "light", None, "Pacific")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("view", "globe", "maps"),
        ("field", "vortcity", "vorticity"),
        ("region", "Atlantis", "Europe"),
        ("region", "1,2,3", "Europe"),
        ("region", "50,40,0,20", "Europe"),
        ("region", "nan,40,0,20", "Europe"),
        ("show", "sum", "field"),
        ("layout", "tiles", "panels"),
        ("pixels", "median", "native"),
        ("scale", "log", "quantile"),
        ("theme", "sepia", "light"),
        ("limit", "-3", "scale follows"),
        ("limit", "inf", "scale follows"),
        ("limit", "much", "scale follows"),
    ],
)
def test_a_bad_value_is_one_sentence_and_replaced(key, value, shown):
    state = StudioState()
    (sentence,) = state.read_query({key: value})
    assert key in sentence and value in sentence and shown in sentence
    assert sentence.endswith(".") and "Traceback" not in sentence
    assert state.to_query() == StudioState().to_query()


def test_an_unknown_setting_is_named():
    (sentence,) = StudioState().read_query({"colour": "red"})
    assert "'colour'" in sentence and "does not exist" in sentence


def test_a_long_value_is_cut_in_the_sentence():
    (sentence,) = StudioState().read_query({"field": "v" * 5000})
    assert len(sentence) < 300


@pytest.mark.parametrize(
    ("asked", "shown"), [("2001-01-05T04:00", "2001-01-05T03:00"), ("2040-01-01T00:00", "2001-01-05T21:00")]
)
def test_a_time_that_is_not_there_becomes_the_nearest(asked, shown):
    state = StudioState(time=asked)
    (sentence,) = state.fit(description(), METHODS, from_link=True)
    assert state.time == shown
    assert asked in sentence and shown in sentence


def test_a_time_that_is_no_date_becomes_the_first():
    state = StudioState(time="yesterday")
    (sentence,) = state.fit(description(), METHODS, from_link=True)
    assert state.time == "2001-01-05T00:00" and "yesterday" in sentence


def test_after_a_choice_of_other_data_a_new_date_needs_no_word():
    state = StudioState(time="1999-01-01T00:00", level="500 hPa")
    data = description(levels=("200 hPa", "850 hPa"), level="850 hPa")
    assert state.fit(data, METHODS, from_link=False) == []
    assert (state.time, state.level) == ("2001-01-05T00:00", "850 hPa")


def test_a_level_that_is_not_there_is_said():
    state = StudioState(level="500 hPa")
    data = description(levels=("200 hPa", "850 hPa"), level="850 hPa")
    (sentence,) = state.fit(data, METHODS, from_link=True)
    assert state.level == "850 hPa" and "500 hPa" in sentence and "850 hPa" in sentence


def test_data_without_dates_have_one_time():
    state = StudioState()
    data = description(times=np.array(["NaT"], dtype="datetime64[m]"))
    assert state.fit(data, METHODS, from_link=True) == []
    assert state.time == "undated"


def test_a_region_the_data_do_not_reach_becomes_all_of_them():
    state = StudioState(region="Pacific")
    data = description(is_global=False, extent=ad.Region(45, 55, 0, 10))
    (sentence,) = state.fit(data, METHODS, from_link=False)
    assert state.region == "Globe" and "Pacific" in sentence
    state = StudioState(region="Europe")
    assert state.fit(data, METHODS, from_link=False) == [] and state.region == "Europe"


def test_unknown_methods_are_left_out_and_said():
    state = StudioState(left="magic")
    state.param.update(methods=["bicubic", "magic"])
    told = state.fit(description(), METHODS, from_link=True)
    assert state.methods == ["bicubic"] and state.left == "bicubic"
    assert len(told) == 2 and all("magic" in sentence for sentence in told)


def test_regions_overlap_whichever_way_longitude_is_counted():
    assert overlaps(ad.Region(0, 10, 350, 20), ad.Region(5, 15, -5, 5))
    assert overlaps(ad.Region(0, 10, 120, -110), ad.Region(0, 10, 200, 210))
    assert not overlaps(ad.Region(0, 10, 0, 20), ad.Region(0, 10, 30, 40))
    assert not overlaps(ad.Region(0, 10, 0, 20), ad.Region(20, 30, 0, 20))


def test_a_region_comes_back_from_its_text():
    for region in (*ad.REGIONS.values(), ad.Region(-12.5, 33.25, 170, -160)):
        assert parse_region(region_text(region)) == region
    assert region_text(ad.REGIONS["Pacific"]) == "Pacific"


def test_the_first_methods_are_the_two_gans_and_interpolation():
    found = ["bilinear", "bicubic", "sr-4x-mse", "srgan-4x-mse", "srgan-4x-atmodist", "mine"]
    assert default_methods(found) == ["bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist"]
    assert default_methods(["bilinear", "bicubic", "mine"]) == ["bilinear", "bicubic", "mine"]
    state = StudioState()
    state.param.update(methods=["mine"])
    assert shown_methods(state, found) == ["mine"]
