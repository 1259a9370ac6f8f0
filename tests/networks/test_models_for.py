"""Which models fit a dataset: the order, and the sentence that says why."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from atmodist_core.models.card import ModelCard
from atmodist_core.models.fit import DataTraits, data_differences, fit_of, rank_models
from tests.networks.mock_models import card

TRAITS = DataTraits(
    fields=("vorticity", "divergence"),
    spacing_deg=1.0,
    truncation=1.0,
    level="10 m",
    spread={"vorticity": 5e-5, "divergence": 3e-5},
    area=(),
    step_hours=6.0,
)


def _named(name, **values):
    like = {"grid_spacing_deg": 1.0, "effective_truncation": 1.0, "level": "10 m"}
    return card(name, **{**like, **values})


def _names(cards, traits=TRAITS, factor=4):
    return [found.name for found in rank_models(cards, traits, factor)]


@pytest.mark.parametrize(
    ("worse", "phrase"),
    [
        ({"effective_truncation": 0.5}, "scales down to 0.5 of the grid's Nyquist wavenumber instead of 1"),
        ({"grid_spacing_deg": 0.5}, "0.5 degrees instead of 1"),
        ({"level": "850 hPa"}, "level 850 hPa instead of 10 m"),
        ({"area": (20.0, 50.0, 230.0, 300.0)}, "the area 20 to 50 N, 230 to 300 E alone"),
        (
            {"scores": {"held_out_power_ratio_vorticity": 0.3}},
            "Trained on fields like these (1 degrees, 10 m",
        ),
    ],
)
def test_each_difference_moves_a_model_down_and_is_told(worse, phrase):
    cards = [
        _named("a-different", **worse),
        _named("b-alike", scores={"held_out_power_ratio_vorticity": 1.0}),
    ]
    ranked = rank_models(cards, TRAITS)
    assert [found.name for found in ranked] == ["b-alike", "a-different"]
    assert phrase in ranked[1].fit and ranked[1].fit.endswith(".")
    assert ranked[0].fit.startswith("Trained on fields like these")


def test_the_truncation_counts_more_than_the_spacing():
    assert _names([_named("a", effective_truncation=0.5), _named("b", grid_spacing_deg=0.5)]) == ["b", "a"]


def test_models_that_cannot_be_used_are_left_out_and_distances_come_last():
    cards = [
        _named("distance", kind="distance", loss={"lag_step_hours": 6.0}),
        _named("distance-3h", kind="distance", loss={"lag_step_hours": 3.0}),
        _named("far", grid_spacing_deg=0.1),
        _named("eight", factor=8),
    ]
    assert _names(cards) == ["far", "distance", "distance-3h"]
    assert _names(cards, factor=8) == ["eight", "distance", "distance-3h"]
    assert not _names(cards, dataclasses.replace(TRAITS, fields=("temperature",)))


def test_an_area_within_the_trained_one_is_no_difference():
    trained = _named("local", area=(20.0, 50.0, 230.0, 300.0))
    inside = dataclasses.replace(TRAITS, area=(30.0, 40.0, -120.0, -80.0))  # another convention of longitudes
    outside = dataclasses.replace(TRAITS, area=(30.0, 40.0, 0.0, 40.0))
    assert fit_of(trained, inside)[0] < fit_of(trained, outside)[0] == fit_of(trained, TRAITS)[0]


def test_traits_of_block_means_are_those_of_the_fine_grid():
    rng = np.random.default_rng(1)
    dims = ("time", "latitude", "longitude")
    fields = {name: (dims, rng.standard_normal((2, 64, 80)) * 1e-5) for name in ("vorticity", "divergence")}
    time = np.array(["2020-01-01T00", "2020-01-01T06"], "datetime64[ns]")
    axes = {"time": time, "latitude": 50 - 0.25 * np.arange(64), "longitude": 0.25 * np.arange(80)}
    fine = xr.Dataset(fields, axes, {"level": "10 m", "effective_truncation": 0.9})
    traits, coarse = DataTraits.of(fine), DataTraits.of(ad.coarsen(fine, 4), 4)
    assert (traits.spacing_deg, traits.truncation, traits.step_hours, traits.level) == (
        0.25,
        0.9,
        6.0,
        "10 m",
    )
    assert (coarse.spacing_deg, coarse.truncation) == pytest.approx((0.25, 0.9))
    assert traits.area[0] == 50 - 0.25 * 63 and traits.spread["vorticity"] == pytest.approx(1e-5, rel=0.05)


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({}, None),
        ({"spacing_deg": 0.8, "spread": {"vorticity": 3e-5, "divergence": 3e-5}, "step_hours": 1.0}, None),
        ({"area": (20.0, 50.0, 0.0, 30.0)}, None),  # a part of the globe that was evaluated
        ({"truncation": None, "level": "not stated", "spread": {}}, None),
        ({"spacing_deg": 0.5}, "a grid of 1 degrees instead of 0.5"),
        ({"truncation": 0.5}, "scales down to 1 of the Nyquist wavenumber instead of 0.5"),
        ({"level": "850 hPa"}, "level 10 m instead of 850 hPa"),
        ({"spread": {"vorticity": 1.1e-4}}, "vorticity of standard deviation 5e-05 instead of 0.00011"),
    ],
)
def test_results_hold_for_data_alike_only(change, phrase):
    found = data_differences(TRAITS, dataclasses.replace(TRAITS, **change))
    assert [text for _, text in found] == ([] if phrase is None else [phrase])
    assert all(size > 0 for size, _ in found)


def test_results_of_an_area_do_not_hold_elsewhere():
    part = dataclasses.replace(TRAITS, area=(20.0, 50.0, 0.0, 30.0))
    assert [text for _, text in data_differences(part, TRAITS)] == ["the area 20 to 50 N, 0 to 30 E alone"]
    assert DataTraits.from_dict(json.loads(json.dumps(part.to_dict()))) == part


def test_the_shipped_models_fit_the_demo():
    ranked = ad.models_for(ad.open_demo().isel(time=slice(0, 3)))
    best = ranked[0]
    assert best.kind == "downscaler" and best.grid_spacing_deg == 0.5 and best.level == "sigma 0.883"
    assert best.fit.startswith("Trained on fields like these (0.5 degrees, sigma 0.883, scales down to 0.")
    assert ranked[-1].kind == "distance"


def test_the_reason_is_not_stored():
    told = _named("a")
    values = dataclasses.replace(told, fit="Because.").to_dict()
    assert "fit" not in values and ModelCard.from_dict(values) == told
    assert ModelCard.from_dict(_named("b", area=(1.0, 2.0, 3.0, 4.0)).to_dict()).area == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    "wrong", [{"effective_truncation": 1.5}, {"area": (1.0, 2.0)}, {"effective_truncation": "half"}]
)
def test_wrong_entries_are_refused(wrong):
    with pytest.raises(ad.UserError, match=next(iter(wrong))):
        _named("a", **wrong)
