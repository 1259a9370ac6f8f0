"""Losses that compete with AtmoDist: equal to brute force, and blind to what they are meant to be blind to."""

import numpy as np
import pytest
import torch

from atmodist_core.harmonics import power_per_degree
from atmodist_core.networks import Encoder
from atmodist_core.networks.losses.adjusted_mean_squared_error import (
    AdjustedMeanSquaredErrorLoss,
    adjusted_squared_error,
)
from atmodist_core.networks.losses.content import AtmoDistLoss
from atmodist_core.networks.losses.fourier_amplitude_correlation import (
    FourierAmplitudeCorrelationLoss,
    amplitude_term,
    correlation_term,
)
from atmodist_core.networks.losses.gram_matrices import GramLoss
from atmodist_core.networks.losses.sliced_wasserstein import SlicedWassersteinLoss, sliced_wasserstein
from atmodist_core.networks.losses.statistics import DistributionLoss, standardized
from tests.networks.mock_models import NORMALIZATION, TINY_ENCODER, wavy_weights


def drawn(seed=0, count=3, size=16):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2, size, size, generator=random)


def encoder_content(layers=("stage1", "stage2")):
    return AtmoDistLoss(wavy_weights(Encoder(TINY_ENCODER)), layers)


LOSSES = {
    "amse": AdjustedMeanSquaredErrorLoss(),
    "facl": FourierAmplitudeCorrelationLoss(),
    "sliced": SlicedWassersteinLoss(NORMALIZATION),
    "gram": GramLoss(encoder_content()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_costs_nothing_and_errors_have_slopes(name):
    truth, loss = drawn(), LOSSES[name]
    for step in range(3):
        loss.at(step)
        assert float(loss(truth, truth)) == pytest.approx(0.0, abs=1e-6)
        prediction = (truth + 0.5 * drawn(1)).requires_grad_(True)
        loss(prediction, truth).backward()
        assert prediction.grad.isfinite().all() and prediction.grad.abs().max() > 0


def test_fields_without_small_scales_have_finite_slopes():
    """Power of zero in most rings, as of data beyond their truncation."""
    flat = torch.zeros(1, 2, 16, 16, requires_grad=True)
    for loss in (LOSSES["amse"], amplitude_term, correlation_term):
        loss(flat + 0.0, torch.ones(1, 2, 16, 16)).backward()
        assert flat.grad.isfinite().all()


def test_amse_by_brute_force():
    a, b, size = drawn(0, 2, 12), drawn(1, 2, 12), 12
    window = np.hanning(size)[:, None] * np.hanning(size)
    window /= np.sqrt((window**2).mean())
    total = []
    for x, y in zip(a.flatten(0, 1).double().numpy(), b.flatten(0, 1).double().numpy(), strict=True):
        p, t = (np.fft.fft2(field * window) / size**2 for field in (x, y))
        sums = {}
        for i in range(size):
            for j in range(size):
                wave = np.hypot(min(i, size - i), min(j, size - j))
                found = sums.setdefault(round(wave), np.zeros(3))
                found += [abs(p[i, j]) ** 2, abs(t[i, j]) ** 2, (np.conj(p[i, j]) * t[i, j]).real]
        total.append(
            sum(
                (sp**0.5 - st**0.5) ** 2 + 2 * max(sp, st) * (1 - c / (sp * st) ** 0.5)
                for sp, st, c in sums.values()
            )
        )
    assert float(LOSSES["amse"](a, b)) == pytest.approx(np.mean(total), rel=1e-5)


def test_amse_is_the_mse_where_the_power_is_right():
    """A shifted periodic field has the power of the field in every ring (without the window's edges: waves of the patch)."""
    size = 32
    x = torch.arange(size) * 2 * torch.pi / size
    truth = (torch.sin(3 * x)[:, None] + torch.cos(5 * x)).expand(1, 2, size, size)
    moved = truth.roll((2, 3), (-2, -1))
    powers = [torch.fft.fft2(f, norm="forward") for f in (moved, truth)]
    sums = [p.abs().square().sum((-2, -1))[..., None] for p in powers]
    cross = (powers[0].conj() * powers[1]).real.sum((-2, -1))[..., None]
    found = adjusted_squared_error(*sums, cross)
    torch.testing.assert_close(found, (moved - truth).square().mean((-2, -1)), rtol=1e-4, atol=1e-5)


def test_amse_does_not_reward_smoothness_as_the_mse_does():
    """Independent fields: the MSE falls as the prediction is damped to nothing, the AMSE is least at the true power."""
    truth, other = drawn(0, 64), drawn(1, 64)
    scales = (0.0, 0.3, 0.7, 1.0, 1.3)
    amse = [float(LOSSES["amse"](s * other, truth)) for s in scales]
    mse = [float((s * other - truth).square().mean()) for s in scales]
    assert np.argmin(mse) == 0 and 2 <= np.argmin(amse) <= 3


def test_amse_on_the_globe_counts_degrees():
    """Spherical harmonics, one degree at a time; powers are those of the project's spectrum."""
    random = np.random.default_rng(0)
    p, t = (random.normal(size=(5, 5)) + 1j * random.normal(size=(5, 5)) for _ in range(2))
    for c in (p, t):
        c[np.triu_indices(5, 1)] = 0.0  # c[l, m], m <= l
        c[:, 0] = c[:, 0].real
    twice = np.where(np.arange(5) == 0, 1.0, 2.0)  # m and -m
    sums = [
        torch.from_numpy((twice * part).sum(axis=1))
        for part in (abs(p) ** 2, abs(t) ** 2, (p.conj() * t).real)
    ]
    ratio = power_per_degree(torch.from_numpy(p)) / sums[0]
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))  # up to the normalisation of the harmonics
    error = (twice * abs(p - t) ** 2).sum()
    powers = sums[0] + sums[1] - 2 * sums[2]
    assert float(powers.sum()) == pytest.approx(error)
    more = 2 * (torch.maximum(sums[0], sums[1]) - (sums[0] * sums[1]).sqrt())
    wanted = powers + more * (1 - sums[2] / (sums[0] * sums[1]).sqrt())
    assert float(adjusted_squared_error(*sums)) == pytest.approx(float(wanted.sum()), rel=1e-5)


def test_facl_terms_by_brute_force():
    a, b = drawn(0, 2, 10), drawn(1, 2, 10)
    p, t = (np.fft.fft2(f.double().numpy(), norm="ortho") for f in (a, b))
    assert float(amplitude_term(a, b)) == pytest.approx(((abs(p) - abs(t)) ** 2).mean(), rel=1e-5)
    norms = np.sqrt((abs(p) ** 2).sum((-2, -1)) * (abs(t) ** 2).sum((-2, -1)))
    correlation = (p.conj() * t).real.sum((-2, -1)) / norms
    assert float(correlation_term(a, b)) == pytest.approx((1 - correlation).mean(), rel=1e-5)


def test_facl_terms_see_what_they_are_for():
    truth = drawn()
    assert float(amplitude_term(truth.roll(3, -1), truth)) == pytest.approx(0.0, abs=1e-9)
    assert float(correlation_term(3 * truth, truth)) == pytest.approx(0.0, abs=1e-6)
    assert float(correlation_term(truth.roll(3, -1), truth)) > 0.5


def test_facl_alternates_by_its_share_and_step_alone():
    a, b = drawn(0), drawn(1)
    for share in (0.0, 0.3, 1.0):
        loss, amplitude = FourierAmplitudeCorrelationLoss(share, seed=2), float(amplitude_term(a, b))
        chosen = []
        for step in range(200):
            loss.at(step)
            chosen.append(float(loss(a, b)) == amplitude)
        assert np.mean(chosen) == pytest.approx(share, abs=0.1)
        loss.at(7)
        assert (float(loss(a, b)) == amplitude) == chosen[7]


def test_sliced_wasserstein_by_brute_force():
    from scipy.stats import wasserstein_distance

    a, b = drawn(0, 2, 8), drawn(1, 2, 8)
    directions = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(5))
    cut = [f.unfold(-2, 3, 2).unfold(-2, 3, 2).movedim(1, 3).flatten(3).flatten(0, 2).numpy() for f in (a, b)]
    flat = directions.flatten(1).numpy()
    wanted = np.mean([wasserstein_distance(cut[0] @ d, cut[1] @ d) for d in flat])
    assert float(sliced_wasserstein(a, b, directions, stride=2)) == pytest.approx(wanted, rel=1e-4)


def test_sliced_wasserstein_of_points_is_the_distribution_loss():
    a, b = drawn(0), drawn(1)
    fields = [standardized(f, NORMALIZATION) for f in (a, b)]
    found = sliced_wasserstein(*fields, torch.eye(2)[:, :, None, None])
    assert float(found) == pytest.approx(float(DistributionLoss(NORMALIZATION, (1,))(a, b)), rel=1e-5)


def test_sliced_wasserstein_sees_patterns_and_not_places():
    """Equal values at other places cost nothing in distribution; shuffled within patches they do."""
    smooth = 5 * torch.nn.functional.avg_pool2d(drawn(0, 32, 36), 5, stride=1)
    torch.manual_seed(0)
    shuffled = smooth.flatten(2)[..., torch.randperm(32 * 32)].reshape(smooth.shape)
    loss = LOSSES["sliced"]
    assert float(loss(smooth.roll(8, -1).flip(0), smooth)) < 0.3 * float(loss(shuffled, smooth))
    loss.at(0)
    first = float(loss(shuffled, smooth))
    loss.at(1)
    assert float(loss(shuffled, smooth)) != first
    loss.at(0)
    assert float(loss(shuffled, smooth)) == first


def test_gram_matrices_by_brute_force():
    a, b, total = drawn(0, 2, 32), drawn(1, 2, 32), 0.0
    for layer in ("stage1", "stage2"):
        with torch.no_grad():
            x, y = (
                LOSSES["gram"].content.encoder.features(f, (layer,))[layer].double().numpy() for f in (a, b)
            )
        g, h = (np.einsum("bihw,bjhw->bij", f, f) / f[0, 0].size for f in (x, y))
        total += ((g - h) ** 2).sum((1, 2)).mean() / (h**2).sum((1, 2)).mean() / 2
    assert float(LOSSES["gram"](a, b)) == pytest.approx(total, rel=1e-4)
    assert all(p.grad is None for p in LOSSES["gram"].parameters())
