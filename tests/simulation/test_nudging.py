"""Nudged members: large scales of the reference, small scales of their own, exact restart."""

import dataclasses

import numpy as np
import pytest
import torch

import atmodist_core as ad
from atmodist_core.common.errors import UserError
from atmodist_core.fields.open.coefficient_store import FIELDS, read_coefficients
from atmodist_core.harmonics import power_per_degree
from atmodist_core.simulation import (
    AtmosphereConfig,
    NudgingConfig,
    SimulationConfig,
    run_nudged_simulation,
    run_simulation,
)
from train import simulate

SOURCE = SimulationConfig(
    atmosphere=dataclasses.replace(AtmosphereConfig(), truncation=31, latitude_count=48, step_minutes=20.0),
    ladder=((21, 32, 20.0, 6.0),),
    settle_days=3.0,
    days=1.0,
    kept_truncation=31,
)
DEGREE = 12


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return run_simulation(SOURCE, tmp_path_factory.mktemp("source") / "member")


@pytest.fixture(scope="module")
def nudged(source, tmp_path_factory):
    def run(**settings):
        config = NudgingConfig(
            **{
                "nudge_from": source,
                "nudged_members": 2,
                "nudged_degree": DEGREE,
                "nudged_days": 1.0,
                **settings,
            }
        )
        return run_nudged_simulation(config, tmp_path_factory.mktemp("nudged") / "run")

    return run


@pytest.fixture(scope="module")
def usual(nudged):
    return nudged(unturned_members=1)


def coefficients(folder, name="reference", field="vorticity"):
    return read_coefficients(folder / name, field, slice(None))


def relative_error(folder, name, field="vorticity"):
    """Power of the difference from the reference over its power, per degree, at the last time."""
    reference, member = (coefficients(folder, each, field)[-1] for each in ("reference", name))
    difference, power = (
        power_per_degree(torch.from_numpy(values)).numpy() for values in (member - reference, reference)
    )
    return difference[1:] / power[1:]


def test_the_reference_is_the_simulation_continued(usual, source, tmp_path):
    """Two days of the simulation in one go: the second is the reference's day, with its dates."""
    longer = run_simulation(dataclasses.replace(SOURCE, days=2.0), tmp_path / "longer")
    for field in FIELDS:
        expected = read_coefficients(longer, field, slice(8, 16))
        np.testing.assert_array_equal(coefficients(usual, field=field), expected)
    times = ad.open_fields(usual / "reference").time.values
    np.testing.assert_array_equal(times, ad.open_fields(longer).time.values[8:])


@pytest.mark.parametrize("field", FIELDS)
def test_large_scales_are_those_of_the_reference_and_small_scales_are_not(usual, field):
    for name in ("member-1", "member-2"):
        error = relative_error(usual, name, field)
        # stored as 16-bit integers
        assert error[:DEGREE].max() < 1e-8
        assert np.median(error[DEGREE:]) > 1e-4


def test_members_differ_from_each_other(usual):
    one, two = (coefficients(usual, name)[-1, DEGREE + 1 :] for name in ("member-1", "member-2"))
    assert np.abs(one - two).max() > 0.01 * np.abs(one).max()


def test_a_member_that_starts_as_the_reference_diverges_by_its_own_heating(usual):
    first, last = (
        np.abs(
            coefficients(usual, "member-2")[index, DEGREE + 1 :] - coefficients(usual)[index, DEGREE + 1 :]
        ).max()
        for index in (0, -1)
    )
    assert 0 < first < last


def test_turned_small_scales_start_with_the_same_power_elsewhere(source):
    """At the first stored time turned members are much farther from the reference than unturned ones."""
    from atmodist_core.simulation.checkpoint import read_checkpoint, restore_model
    from atmodist_core.simulation.nudging import nudged_model
    from atmodist_core.simulation.primitive_equations import PrimitiveEquations

    reference = PrimitiveEquations(SOURCE.atmosphere)
    restore_model(reference, *read_checkpoint(source / "checkpoint.safetensors"))
    member = nudged_model(reference, NudgingConfig(nudged_degree=DEGREE), 1, turned=True)
    for name in ("vorticity", "temperature"):
        ours, theirs = getattr(member.state, name), getattr(reference.state, name)
        torch.testing.assert_close(power_per_degree(ours), power_per_degree(theirs), rtol=1e-5, atol=0)
        assert torch.equal(ours[..., : DEGREE + 1, :], theirs[..., : DEGREE + 1, :])
        assert not torch.allclose(ours, theirs, rtol=1e-3)


def test_the_error_of_large_scales_shrinks_with_the_relaxation_time(nudged):
    errors = [
        relative_error(nudged(nudging_hours=hours, nudged_days=0.5), "member-1")[:DEGREE].mean()
        for hours in (24.0, 3.0)
    ]
    assert 0 < errors[1] < 0.3 * errors[0]


def test_a_member_nudged_at_all_wavenumbers_is_the_reference(nudged):
    folder = nudged(nudged_degree=31, nudged_days=0.5)
    for field in FIELDS:
        np.testing.assert_array_equal(
            coefficients(folder, "member-1", field), coefficients(folder, field=field)
        )


def test_a_seed_reproduces_and_another_does_not(usual, nudged):
    again, other = (
        coefficients(nudged(unturned_members=1, nudged_days=0.25, nudged_seed=seed), "member-1")
        for seed in (1, 2)
    )
    expected = coefficients(usual, "member-1")[:2]
    np.testing.assert_array_equal(again, expected)
    assert not np.array_equal(other, expected)


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(usual, source, tmp_path):
    config = NudgingConfig(
        nudge_from=source, nudged_members=2, nudged_degree=DEGREE, nudged_days=1.0, unturned_members=1
    )
    calls = []
    for attempt in range(12):
        run_nudged_simulation(
            config,
            tmp_path / "run",
            resume=attempt > 0,
            report=lambda *args: calls.append(args),
            stop=lambda: True,
        )
    assert len(calls) == 8
    for name in ("reference", "member-1", "member-2"):
        for field in FIELDS:
            found, expected = (coefficients(folder, name, field) for folder in (tmp_path / "run", usual))
            assert found.tobytes() == expected.tobytes()


def test_other_settings_cannot_be_resumed(usual, source):
    config = NudgingConfig(nudge_from=source, nudged_members=3, nudged_degree=DEGREE, unturned_members=1)
    with pytest.raises(UserError, match="other values of nudged_members"):
        run_nudged_simulation(config, usual, resume=True)
    with pytest.raises(UserError, match="add --resume"):
        run_nudged_simulation(config, usual)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"nudged_members": 0}, "one or more nudged members"),
        ({"nudging_hours": -1.0}, "relaxation time of 0"),
        ({"unturned_members": 9}, "0 to 8 unturned"),
    ],
)
def test_wrong_settings_are_one_sentence(change, sentence):
    with pytest.raises(UserError, match=sentence):
        NudgingConfig(**change)


def test_a_start_that_is_none_is_said(source, tmp_path):
    with pytest.raises(UserError, match="with a checkpoint at --nudge-from"):
        run_nudged_simulation(NudgingConfig(nudge_from=tmp_path), tmp_path / "run")
    with pytest.raises(UserError, match="up to the truncation of 31"):
        run_nudged_simulation(NudgingConfig(nudge_from=source), tmp_path / "run")


def test_the_command_refuses_settings_that_would_be_ignored(source):
    with pytest.raises(UserError, match="leave them out"):
        simulate.main(["--nudge-from", str(source), "--seed", "3"])
    with pytest.raises(UserError, match="give its folder"):
        simulate.main(["--nudged-members", "3"])
