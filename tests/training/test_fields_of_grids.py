"""Training on several grids, with missing corners, and with the amplitude of the coarse field."""

import dataclasses

import numpy as np
import pytest
import torch

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.fields.amplitude import coarse_amplitude
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.training.configuration import ENSEMBLE_PRESETS
from atmodist_core.training.data import patches
from atmodist_core.training.data.amplitude import AmplitudeScaling
from atmodist_core.training.data.fields_of_grids import FieldsOfGrids, GridsSampler, OneMemberSampler
from atmodist_core.training.data.member_reading import grouped_by_grid
from atmodist_core.training.data.synthetic import synthetic_fields
from atmodist_core.training.data.training_data import load_training_data
from atmodist_core.training.ensemble.ensemble_training import train_ensemble
from atmodist_core.training.settings.shared_configuration import DataConfig

CONFIG = DataConfig(patch_size=16, validation_fraction=0.2, gap_hours=3.0, storage="float32")


@pytest.fixture(scope="module")
def limited():
    """A limited area of another spacing with a missing corner, three times as loud."""
    area = synthetic_fields(30, latitude_count=96).isel(latitude=slice(20, 60), longitude=slice(30, 90))
    area = area * 3.0
    corner = (area.latitude > area.latitude[12]) & (area.longitude < area.longitude[20])
    return area.where(~corner)


@pytest.fixture(scope="module")
def both(weather, limited):
    return load_training_data(CONFIG, sources=[weather, limited], several_grids=True)


def test_patches_are_those_of_their_grid_and_complete(both, weather, limited):
    assert isinstance(both.training_fields, FieldsOfGrids)
    sampler = both.sampler(CONFIG, 0, patches.TRAINING_STREAM)
    assert isinstance(sampler, GridsSampler)
    seen = set()
    for step in range(20):
        places = sampler.patches(step, 8)
        cut = patches.cut(both.training_fields, places.time, places, 16)
        assert torch.isfinite(cut).all()
        areas = patches.patch_row_areas(both.training_fields, places, 16)
        for n in range(8):
            source, time = (
                (weather, places.time[n]) if places.time[n] < 60 else (limited, places.time[n] - 60)
            )
            assert time < 0.8 * source.sizes["time"]
            seen.add(source.sizes["latitude"])
            rows = slice(places.row[n], places.row[n] + 16)
            columns = (places.column[n] + np.arange(16)) % source.sizes["longitude"]
            window = source.vorticity.values[time, rows][:, columns]
            np.testing.assert_allclose(cut[n, 0].numpy(), window, rtol=1e-5)
            expected = np.cos(np.deg2rad(source.latitude.values[rows]))
            ratio = areas[n].numpy() / expected
            np.testing.assert_allclose(ratio / ratio.mean(), 1.0, rtol=2e-3)
    assert seen == {48, 40}


def test_every_source_is_opened_once(weather, limited, tmp_path, monkeypatch):
    """Grids are compared of the same open members that are read."""
    files = []
    for number, fields in enumerate((weather, limited, weather.isel(time=slice(0, 20)))):
        files.append(str(tmp_path / f"{number}.nc"))
        fields.to_netcdf(files[-1])
    opened, open_fields = [], ad.open_fields

    def counting(path, **options):
        opened.append(path)
        return open_fields(path, **options)

    monkeypatch.setattr("atmodist_core.fields.open_fields", counting)
    groups = grouped_by_grid(files, ("vorticity", "divergence"))
    assert [[member.name for member in group] for group in groups] == [[files[0], files[2]], [files[1]]]
    fields = load_training_data(CONFIG, sources=files, several_grids=True).training_fields
    assert isinstance(fields, FieldsOfGrids) and opened == 2 * files


def test_places_follow_from_seed_and_step_alone(both):
    first, again = (both.sampler(CONFIG, 3, patches.TRAINING_STREAM).patches(7, 12) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    other = both.sampler(CONFIG, 3, patches.TRAINING_STREAM).patches(8, 12)
    assert (other.row != first.row).any()


def test_amplitudes_bring_all_times_to_one(weather, limited):
    data = load_training_data(
        CONFIG, sources=[weather, limited], several_grids=True, scaling=AmplitudeScaling(4)
    )
    # Independently: the coarse field of the library, of one time of the global member.
    coarse = ad.coarsen(weather.isel(time=[5]), 4)
    measured = coarse_amplitude(coarse.divergence.values, coarse.latitude.values)[0]
    ratio = data.training_fields.amplitudes[5, 1]
    assert float(ratio) * data.amplitude["divergence"] == pytest.approx(measured, rel=1e-3)
    # The loud member counts like the other one: its patches have the same spread.
    sampler = data.sampler(CONFIG, 0, patches.TRAINING_STREAM)
    spread: dict[bool, list[float]] = {True: [], False: []}
    for step in range(30):
        places = sampler.patches(step, 8)
        cut = patches.cut(data.training_fields, places.time, places, 16)
        for n in range(8):
            spread[bool(places.time[n] >= 60)].append(float(cut[n].square().mean()))
    assert np.mean(spread[True]) / np.mean(spread[False]) == pytest.approx(1.0, abs=0.25)


def test_points_that_are_missing_at_some_times_only_are_refused(weather):
    gappy = weather.copy(deep=True)
    gappy.vorticity[3, 10, 10] = np.nan
    with pytest.raises(UserError, match=r"^Expected complete fields for training, or gaps that stay"):
        load_training_data(CONFIG, sources=[gappy])


def test_no_room_between_the_missing_points_is_said(limited):
    with pytest.raises(UserError, match=r"^Expected room for patches of 40 x 40 points with values"):
        data = load_training_data(
            dataclasses.replace(CONFIG, patch_size=40), sources=[limited.isel(longitude=slice(0, 55))]
        )
        data.sampler(dataclasses.replace(CONFIG, patch_size=40), 0, patches.TRAINING_STREAM)


def test_other_trainings_still_refuse_several_grids(weather, limited):
    with pytest.raises(UserError, match=r"^Expected the same grid in every member"):
        load_training_data(CONFIG, sources=[weather, limited])


def test_a_model_whose_scale_follows_the_data(weather, limited, tmp_path):
    """Its result is proportional to its input, and its card survives saving."""
    config = ENSEMBLE_PRESETS["smoke"]
    config = dataclasses.replace(
        config,
        amplitude="coarse-field",
        band_weight=0.5,
        feature_weight=0.0,
        epochs=1,
        batches_per_epoch=4,
        data=dataclasses.replace(config.data, patch_size=16),
        run=dataclasses.replace(config.run, out=tmp_path / "run", device="cpu", progress=False),
    )
    with pytest.raises(UserError, match=r"^Expected data on one grid for the scale of an untrained encoder"):
        train_ensemble(dataclasses.replace(config, feature_weight=1.0), [weather, limited])
    folder = train_ensemble(config, [weather, limited])
    downscaler = load_downscaler(folder)
    assert set(downscaler.card.amplitude) == {"vorticity", "divergence"}
    assert len(downscaler.card.spacings_deg) == 2
    coarse = ad.coarsen(weather.isel(time=[0]), 4)
    small = downscaler(coarse, seed=1)
    large = downscaler(coarse * 8.0, seed=1)
    np.testing.assert_allclose(large.vorticity.values, 8.0 * small.vorticity.values, rtol=1e-4, atol=1e-9)


def test_a_step_of_one_member_has_patches_of_one_series(both):
    """All places lie in one member, and members are drawn with the root of their values."""
    sampler = both.sampler(CONFIG, 0, patches.TRAINING_STREAM, one_member=True)
    assert isinstance(sampler, OneMemberSampler)
    members = both.training_fields.members
    seen = []
    for step in range(400):
        places = sampler.patches(step, 6)
        inside = [bool(((m.start <= places.time) & (places.time < m.stop)).all()) for m in members]
        assert sum(inside) == 1
        seen.append(inside.index(True))
    cells = [
        part.valid.sum() if part.valid is not None else part.values[0, ..., 0].numel()
        for part in both.training_fields.parts
    ]
    times = [sum(b - a for a, b in both.training if m.start <= a < m.stop) for m in members]
    roots = np.sqrt(np.multiply([float(c) for c in cells], times))
    expected = 400 * roots[0] / roots.sum()
    assert abs(seen.count(0) - expected) < 4 * np.sqrt(expected * (1 - expected / 400))
    again = both.sampler(CONFIG, 0, patches.TRAINING_STREAM, one_member=True).patches(7, 6)
    for first, second in zip(sampler.patches(7, 6), again, strict=True):
        np.testing.assert_array_equal(first, second)
