"""Running a member: exact restart, and mistakes that are said in one sentence."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.common.tensor_files import write_tensors
from atmodist_core.fields.open.coefficient_store import (
    FIELDS,
    open_coefficient_store,
    pack,
    read_coefficients,
    unpack,
)
from atmodist_core.simulation import AtmosphereConfig, SimulationConfig, run_simulation
from atmodist_core.simulation.checkpoint import CHECKPOINT, read_checkpoint
from train import simulate

SMALL = SimulationConfig(
    atmosphere=dataclasses.replace(AtmosphereConfig(), truncation=31, latitude_count=48, step_minutes=20.0),
    ladder=((21, 32, 20.0, 0.5),),
    settle_days=0.25,
    days=1.0,
    kept_truncation=23,
    checkpoint_slices=2,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_simulation(SMALL, tmp_path_factory.mktemp("whole") / "member")


def stored(path):
    return {field: read_coefficients(path, field, slice(None)) for field in FIELDS}


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(whole, tmp_path):
    out = tmp_path / "member"
    stops = 0
    for attempt in range(20):
        seen = []
        run_simulation(
            SMALL,
            out,
            resume=attempt > 0,
            report=lambda *args, seen=seen: seen.append(args),
            stop=lambda: True,
        )
        stops += 1
        if seen == []:
            break
    assert stops >= 5
    for field in ("vorticity", "divergence"):
        assert stored(out)[field].tobytes() == stored(whole)[field].tobytes()


def test_a_kill_between_slices_and_checkpoint_loses_nothing(whole, tmp_path, monkeypatch):
    """The store may be ahead of the checkpoint: the slices beyond it are made again, and are the same."""
    out = tmp_path / "member"
    from atmodist_core.simulation import run

    save, calls = run._save_checkpoint, []

    def dies(path, *args):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        save(path, *args)

    monkeypatch.setattr(run, "_save_checkpoint", dies)
    with pytest.raises(KeyboardInterrupt):
        run_simulation(SMALL, out)
    monkeypatch.setattr(run, "_save_checkpoint", save)
    run_simulation(SMALL, out, resume=True)
    assert stored(out)["vorticity"].tobytes() == stored(whole)["vorticity"].tobytes()


def test_a_run_can_be_made_longer(whole, tmp_path):
    out = tmp_path / "member"
    run_simulation(dataclasses.replace(SMALL, days=0.5), out)
    run_simulation(SMALL, out, resume=True)
    assert stored(out)["divergence"].tobytes() == stored(whole)["divergence"].tobytes()


def test_the_store_opens_as_canonical_fields(whole):
    fields = open_coefficient_store(whole)
    assert dict(fields.sizes) == {"time": 8, "latitude": 48, "longitude": 96}
    assert fields.vorticity.dtype == np.float32 and fields.vorticity.attrs["units"] == "s-1"
    assert fields.attrs["simulated"] == 1 and "not observations" in fields.attrs["source"]
    assert fields.time.values[0] == np.datetime64("2001-01-01T00") and fields.time.values[1] == np.datetime64(
        "2001-01-01T03"
    )
    assert float(fields.vorticity.std()) > 1e-7
    loaded = fields.isel(time=[3]).load()
    mean = loaded.vorticity.weighted(np.cos(np.deg2rad(loaded.latitude))).mean()
    assert abs(float(mean)) < 1e-3 * float(loaded.vorticity.std())


def test_opening_is_lazy(whole):
    fields = open_coefficient_store(whole)
    assert all(isinstance(chunk, int) and chunk == 1 for chunk in fields.vorticity.chunks[0])


def test_packing_keeps_the_smallest_scales():
    """Each degree has its own scale: a steep spectrum keeps its relative precision at every degree."""
    rng = np.random.default_rng(0)
    degree = np.arange(64)[:, None]
    coefficients = (rng.standard_normal((2, 64, 64)) + 1j * rng.standard_normal((2, 64, 64))) * (
        1.0 + degree
    ) ** -4.0
    coefficients = np.tril(coefficients)
    coefficients[..., 0] = coefficients[..., 0].real
    values, scale = pack(coefficients)
    error = np.abs(unpack(values, scale) - coefficients)
    largest = np.abs(coefficients).max(axis=-1)
    assert values.dtype == np.int16
    assert (error.max(axis=-1) <= 2.5e-5 * largest).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"days": -1.0}, "positive number of days"),
        ({"kept_truncation": 400}, "at most truncation"),
        ({"start": "yesterday"}, "date like 2001-01-01"),
        ({"output_hours": 0.1}, "multiple of the step"),
        ({"checkpoint_slices": 0}, "at least 1 slice"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(change, sentence):
    with pytest.raises(UserError, match=sentence):
        dataclasses.replace(SMALL, **change)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"step_minutes": 7.0}, "divides 180 minutes"),
        ({"truncation": 2}, "truncation from 5"),
        ({"latitude_count": 20}, "at least 32 latitudes"),
        ({"half_levels": (0.0, 0.5, 0.4, 1.0)}, "rise from 0 to 1"),
    ],
)
def test_a_wrong_atmosphere_is_one_sentence(change, sentence):
    with pytest.raises(UserError, match=sentence):
        dataclasses.replace(SMALL.atmosphere, **change)


def test_a_used_folder_is_refused(whole):
    with pytest.raises(UserError, match="add --resume"):
        run_simulation(SMALL, whole)


def test_another_run_cannot_be_resumed(whole):
    with pytest.raises(UserError, match="other values of seed"):
        run_simulation(dataclasses.replace(SMALL, seed=9), whole, resume=True)


def test_a_checkpoint_from_before_a_setting_existed_is_resumed(tmp_path):
    out = run_simulation(SMALL, tmp_path / "member")
    tensors, record = read_checkpoint(out / CHECKPOINT)
    del record["configuration"]["atmosphere"]["warming_kelvin"]
    write_tensors(out / CHECKPOINT, tensors, {"record": json.dumps(record)})
    longer = dataclasses.replace(SMALL, days=1.25)
    run_simulation(longer, out, resume=True)
    warmer = dataclasses.replace(longer, atmosphere=dataclasses.replace(SMALL.atmosphere, warming_kelvin=2.0))
    with pytest.raises(UserError, match="other values of atmosphere"):
        run_simulation(warmer, out, resume=True)


def test_a_broken_checkpoint_is_said(tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="damaged file"):
        run_simulation(SMALL, tmp_path, resume=True)


def test_a_step_too_long_is_said(tmp_path):
    config = dataclasses.replace(
        SMALL,
        ladder=(),
        atmosphere=dataclasses.replace(SMALL.atmosphere, step_minutes=180.0),
        days=12.0,
        kept_truncation=31,
    )
    with pytest.raises(UserError, match="step shorter than"):
        run_simulation(config, tmp_path / "member")


def test_a_folder_that_is_no_store_is_said(tmp_path):
    with pytest.raises(UserError, match=r"written by train/simulate.py"):
        open_coefficient_store(tmp_path)


def test_times_outside_the_period_are_said(whole):
    with pytest.raises(UserError, match="available are 8 times"):
        open_coefficient_store(whole, time=slice("2030-01-01", "2030-02-01"))
    assert isinstance(open_coefficient_store(whole, time="2001-01-01T03"), xr.Dataset)


def test_time_left_of_a_resumed_run_does_not_count_the_days_of_the_run_before():
    bars = simulate.DayBars(shown=True)
    bars.report("weather", 60.5, 72.0)
    bars.report("weather", 61.0, 72.0)
    bar = bars._bars["weather"]
    assert bar.n == 61.0 and bar.format_dict["initial"] == 60.5
    bars.close()


def test_temperature_and_other_levels_are_stored_and_opened_in_kelvin(whole, tmp_path):
    """The last temperature is the state of the checkpoint plus the reference; the default fields are what they were."""
    from atmodist_core.fields import open_fields
    from atmodist_core.harmonics import get_transform

    config = dataclasses.replace(SMALL, more_fields=("t@0.9", "vorticity@0.4", "divergence@0.425"))
    assert config.more_fields == ("temperature@0.883", "vorticity@0.425", "divergence@0.425")
    out = run_simulation(config, tmp_path / "levels")
    for field in FIELDS:
        np.testing.assert_array_equal(stored(out)[field], stored(whole)[field])
    names = ("temperature@0.883", "vorticity@0.425", "u@0.425", "vorticity")
    fields = open_fields(out, fields=names)
    assert list(fields) == list(names) and fields.attrs["level"] == "sigma 0.883, sigma 0.425"
    tensors, _ = read_checkpoint(out / CHECKPOINT)
    state = {name: torch.view_as_complex(tensors[f"state.{name}"]) for name in ("temperature", "vorticity")}
    transform = get_transform(48, 96, 23, "cell-centred")
    level = {"temperature@0.883": 6, "vorticity@0.425": 3}
    for name, departure in (("temperature@0.883", 300.0), ("vorticity@0.425", 0.0)):
        coefficients = state[name.partition("@")[0]][level[name], :24, :24]
        expected = transform.synthesis(coefficients.to(torch.complex64)).numpy() + departure
        spread = float(expected.std())
        np.testing.assert_allclose(fields[name].values[-1], expected, atol=2e-3 * spread)
    rotation = open_fields(out, fields=("vorticity@0.425", "u@0.425", "v@0.425")).isel(time=[-1])
    from atmodist_core.fields import vorticity_divergence

    again = vorticity_divergence(rotation["u@0.425"], rotation["v@0.425"])["vorticity"]
    spread = float(again.std())
    np.testing.assert_allclose(again, rotation["vorticity@0.425"], atol=0.02 * spread)
    with pytest.raises(UserError, match=r"temperature@0\.5 is not in the store.*temperature@0\.883"):
        open_fields(out, fields=("temperature@0.5",))
    with pytest.raises(UserError, match=r"found 'humidity@0\.5'"):
        dataclasses.replace(SMALL, more_fields=("humidity@0.5",))
    run_simulation(config, out, resume=True)  # the same settings are known again
