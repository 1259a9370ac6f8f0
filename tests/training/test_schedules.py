import warnings

import pytest
import torch

from atmodist_core.training.loop.schedules import ReduceOnPlateau, one_cycle


@pytest.mark.parametrize(("total", "warmup"), [(50, 0.2), (200, 0.3)])
def test_one_cycle_equals_torch(total, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    # torch puts the top at a fractional step; choose shares for which it is a whole one
    warmup = round(warmup * (total - 1)) / (total - 1) + 1 / total
    top = round(warmup * (total - 1))
    share = (top + 1) / total
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=total, pct_start=share, cycle_momentum=False
    )
    for step in range(total):
        ours = one_cycle(step, total, 0.1, warmup_fraction=top / (total - 1), end_divisor=25.0 * 1e4)
        assert ours == pytest.approx(reference.get_last_lr()[0], rel=1e-9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch wants optimizer.step() first
            if step < total - 1:
                reference.step()


def test_one_cycle_of_very_short_runs_stays_in_range():
    for total in range(1, 6):
        rates = [one_cycle(step, total, 1.0) for step in range(total)]
        assert all(0.0 < rate <= 1.0 for rate in rates)


def test_plateau_lowers_the_rate_after_its_patience_and_goes_on_after_a_stop():
    losses = [3.0, 2.0, *[2.5] * 7, 1.9, *[1.9] * 8, *[2.0] * 8, *[2.0] * 40]
    expected = [0.1] * 17 + [0.01] * 8 + [1e-3] * 8 + [1e-4] * 8 + [1e-5] * 25
    whole = ReduceOnPlateau(0.1)
    rates = [whole.update(loss) for loss in losses]
    assert rates == pytest.approx(expected[: len(rates)])

    first = ReduceOnPlateau(0.1)
    for loss in losses[:13]:
        first.update(loss)
    second = ReduceOnPlateau(0.1)
    second.load(first.state())
    assert [second.update(loss) for loss in losses[13:]] == rates[13:]
    assert ReduceOnPlateau(0.1).state()["best"] is None  # JSON knows no infinity
