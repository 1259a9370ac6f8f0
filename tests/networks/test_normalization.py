"""The signed logarithm: by hand, inverted, measured, and stored."""

import json
import math

import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.networks.normalization import PAPER_ERA5, SignedLogNormalization
from tests.networks.mock_models import NORMALIZATION, globe

TYPES = [np.float64, np.float32, torch.float64, torch.float32]


def _typed(values, dtype):
    return (
        torch.tensor(values, dtype=dtype)
        if isinstance(dtype, torch.dtype)
        else np.asarray(values, dtype=dtype)
    )


@pytest.mark.parametrize("dtype", TYPES)
def test_by_hand(dtype):
    normalization = SignedLogNormalization(("a", "b"), (1.0, 0.0), (2.0, 1.0), 0.2, (0.1, 0.0), (0.5, 1.0))
    found = normalization.normalize(_typed([[[5.0]], [[-3.0]]], dtype))
    # a: z = 2, y = log 1.4, (y - 0.1) / 0.5; b: z = -3, y = -log 1.6
    wanted = [(math.log(1.4) - 0.1) / 0.5, -math.log(1.6)]
    assert found.dtype == dtype
    assert np.asarray(found).ravel() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("normalization", [PAPER_ERA5, NORMALIZATION])
def test_round_trip(dtype, normalization):
    random = np.random.default_rng(0)
    # Heavy tails: up to 40 standard deviations.
    x = _typed(5e-5 * random.standard_t(3, size=(3, 2, 20, 30)), dtype)
    back = normalization.denormalize(normalization.normalize(x))
    exact = 1e-13 if dtype in (np.float64, torch.float64) else 3e-6
    assert back.dtype == dtype
    np.testing.assert_allclose(np.asarray(back), np.asarray(x), rtol=exact, atol=exact * 5e-5)


def test_any_channel_axis():
    x = np.random.default_rng(0).standard_normal((4, 5, 2)) * 1e-5
    found = NORMALIZATION.normalize(x, channel_axis=-1)
    np.testing.assert_array_equal(found, np.moveaxis(NORMALIZATION.normalize(np.moveaxis(x, -1, 0)), 0, -1))


def test_moments_make_fields_standard():
    fields = globe(24, 48, times=5)
    fields["vorticity"] = fields.vorticity + 2e-5  # a mean
    measured = SignedLogNormalization.from_fields(fields)
    stacked = np.stack([fields[name].values for name in measured.channels], axis=1).astype(np.float64)
    normalized = measured.normalize(stacked)
    np.testing.assert_allclose(normalized.mean(axis=(0, 2, 3)), 0.0, atol=1e-9)
    np.testing.assert_allclose(normalized.std(axis=(0, 2, 3)), 1.0, rtol=1e-9)
    assert measured.mean == pytest.approx([float(fields[n].astype("f8").mean()) for n in measured.channels])
    assert measured.std == pytest.approx([float(fields[n].astype("f8").std()) for n in measured.channels])


def test_lazy_fields_give_the_same_moments():
    fields = globe(8, 16, times=7)
    wanted = SignedLogNormalization.from_fields(fields)
    found = SignedLogNormalization.from_fields(fields.chunk({"time": 3}))
    np.testing.assert_allclose(found.std_y, wanted.std_y, rtol=1e-12)
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-9)


def test_other_fields_and_order():
    fields = globe(6, 12).assign(temperature=lambda ds: 280.0 + 1e5 * ds.vorticity)
    found = SignedLogNormalization.from_fields(fields, channels=("temperature", "vorticity"), alpha=0.5)
    assert found.channels == ("temperature", "vorticity") and found.alpha == 0.5
    assert found.mean[0] == pytest.approx(280.0, rel=1e-2)


def test_the_authors_moments():
    """Their files hold divergence first; ours are found by name."""
    at = {name: i for i, name in enumerate(PAPER_ERA5.channels)}
    assert PAPER_ERA5.std[at["vorticity"]] == 5.0819e-5 and PAPER_ERA5.std[at["divergence"]] == 2.8569e-5
    assert PAPER_ERA5.std_y[at["vorticity"]] == 0.16044 and PAPER_ERA5.mean_y[at["divergence"]] == 8.8215e-4
    assert PAPER_ERA5.mean[at["vorticity"]] == 2.0548e-7 and PAPER_ERA5.alpha == 0.2


def test_json_round_trip():
    stored = json.loads(json.dumps(PAPER_ERA5.to_dict()))
    assert SignedLogNormalization.from_dict(stored) == PAPER_ERA5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mean": None}, "'mean' missing"),
        ({"extra": 1}, "'extra' unknown"),
        ({"type": "linear"}, "linear"),
        ({"std": [1.0]}, "std"),
        ({"std": [1.0, 0.0]}, "std"),
        ({"std_y": [1.0, math.nan]}, "std_y"),
        ({"alpha": 0.0}, "alpha"),
        ({"mean": 3.0}, "mean.*numbers"),
        ({"channels": ["vorticity"]}, "channels"),
        ({"mean": ["a", "b"]}, "mean"),
    ],
)
def test_bad_stored_values_are_named(change, named):
    values = {**PAPER_ERA5.to_dict(), **change}
    values = {key: value for key, value in values.items() if value is not None}
    with pytest.raises(UserError, match=named):
        SignedLogNormalization.from_dict(values)


def test_bad_fields_are_sentences():
    fields = globe(6, 12)
    with pytest.raises(UserError, match="temperature"):
        SignedLogNormalization.from_fields(fields, channels=("temperature",))
    with pytest.raises(UserError, match="missing values"):
        SignedLogNormalization.from_fields(fields.where(fields.latitude > 0))
    with pytest.raises(UserError, match="std"):
        SignedLogNormalization.from_fields(xr.zeros_like(fields))
    with pytest.raises(ValueError, match="channels"):
        PAPER_ERA5.normalize(np.zeros((3, 4, 4)))


def mixed():
    """Vorticity with a temperature: 280 K plus a standard deviation of 10 K."""
    fields = globe(6, 12)
    return fields.assign({"temperature@850": 280.0 + 10.0 * fields.vorticity / fields.vorticity.std()})


def test_a_temperature_is_standardised_and_vorticity_keeps_its_logarithm():
    names = ("temperature@850", "vorticity")
    found = SignedLogNormalization.from_fields(mixed(), channels=names)
    assert found.linear == ("temperature@850",)
    values = np.stack([mixed()[name].values for name in names], axis=-3)
    normal = found.normalize(values)
    mean, std = found.mean[0], found.std[0]
    np.testing.assert_allclose(normal[:, 0], (values[:, 0] - mean) / std, rtol=1e-5, atol=1e-6)
    alone = SignedLogNormalization.from_fields(mixed(), channels=("vorticity",))
    np.testing.assert_array_equal(normal[:, 1:], alone.normalize(values[:, 1:]))
    np.testing.assert_allclose(found.denormalize(normal), values, rtol=2e-6, atol=1e-9)
    np.testing.assert_allclose(
        found.standardize(normal), (values - np.array(found.mean)[:, None, None]) / np.array(found.std)[:, None, None],
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip
    as_tensor = found.normalize(torch.from_numpy(values))
    np.testing.assert_allclose(as_tensor.numpy(), normal, rtol=1e-6, atol=1e-6)


def test_a_large_linear_value_has_a_finite_gradient():
    """The exponential of the other channels would overflow there."""
    names = ("temperature@850", "vorticity")
    found = SignedLogNormalization.from_fields(mixed(), channels=names)
    normal = torch.full((2, 1, 1), 200.0)
    normal[1] = 1.0
    normal.requires_grad_(True)
    found.denormalize(normal).sum().backward()
    assert normal.grad is not None and bool(torch.isfinite(normal.grad).all())
    assert float(normal.grad[0, 0, 0]) == pytest.approx(found.std[0], rel=1e-5)


def test_linear_channels_are_stored_and_old_cards_stay_as_they_were():
    found = SignedLogNormalization.from_fields(mixed(), channels=("temperature@850", "vorticity"))
    assert SignedLogNormalization.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert "linear" not in PAPER_ERA5.to_dict()
    with pytest.raises(UserError, match="'humidity'"):
        SignedLogNormalization.from_dict({**found.to_dict(), "linear": ["humidity"]})
