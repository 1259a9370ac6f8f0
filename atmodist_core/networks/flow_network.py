"""Flow matching: fine fields drawn by carrying noise along a learned flow, as a rival of generators with noise.

The residual r of a fine field against a mean network's field, in units of its standard deviation, is what is drawn. Between noise e
(t = 0) and residual (t = 1) lies ``x = (1 - t) e + t r``; a network estimates the fine field from x, t and the coarse field, by least
squares, so that its residual is E[r | x]. The mean velocity at x is then ``(E[r | x] - x) / (1 - t)`` (Lipman et al. 2023, arXiv
2210.02747), and integrating it from noise to t = 1 gives draws. Residual of a regression: CorrDiff (Mardani et al. 2025,
doi:10.1038/s43247-025-02042-5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.networks.configuration import NetworkConfig
from atmodist_core.networks.generator import Generator

SOLVERS = ("euler", "heun")


@dataclass(frozen=True)
class FlowConfig(NetworkConfig):
    """How a :class:`FlowNetwork` draws.

    Attributes
    ----------
    steps : int
        Of the integration from noise to residual.
    solver : str
        ``"euler"``, one estimate a step, or ``"heun"``, two in all but the last step.
    residual_std : tuple of float
        Standard deviation of the residual of each normalised field.
    """

    steps: int = 4
    solver: str = "heun"
    residual_std: tuple[float, ...] = (1.0, 1.0)

    def __post_init__(self) -> None:
        self._require_counts("steps")
        if self.solver not in SOLVERS:
            raise UserError(
                f"Expected a solver of FlowConfig, {' or '.join(SOLVERS)}, found {self.solver!r}: choose one of these."
            )
        if not self.residual_std or not min(self.residual_std) > 0:
            raise UserError(
                f"Expected positive numbers as residual_std of FlowConfig, found {self.residual_std}: correct them."
            )


def state_channels(channels: int, factor: int) -> int:
    """Return how many input channels hold the state x at the coarse points, and the time."""
    return channels * factor**2 + 1


def flow_input(coarse: Tensor, state: Tensor, time: Tensor) -> Tensor:
    """Return what the estimating generator is given, at the coarse points.

    The normalised coarse fields ``(batch, channels, h, w)``, the points of the state ``(batch, channels, factor * h, factor * w)`` in each
    coarse cell as channels, and the time ``(batch,)``.
    """
    inside = functional.pixel_unshuffle(state, state.shape[-1] // coarse.shape[-1])
    clock = time.reshape(-1, 1, 1, 1).expand(-1, 1, *coarse.shape[-2:])
    return torch.cat((coarse, inside, clock.to(coarse.dtype)), dim=1)


def integrate(
    estimate: Callable[[Tensor, float], Tensor], noise: Tensor, steps: int, solver: str = "heun"
) -> Tensor:
    """Carry noise to a draw of the residual.

    Parameters
    ----------
    estimate : callable
        E[r | x] of a state x and a time t.
    noise : Tensor
        Unit normal, of any shape.
    steps, solver
        See :class:`FlowConfig`. The last step is Euler's: it ends at the estimate itself.
    """
    x = noise
    for number in range(steps):
        time, after = number / steps, (number + 1) / steps
        velocity = (estimate(x, time) - x) / (1.0 - time)
        ahead = x + velocity / steps
        if solver == "heun" and number < steps - 1:
            further = (estimate(ahead, after) - ahead) / (1.0 - after)
            ahead = x + 0.5 * (velocity + further) / steps
        x = ahead
    return x


class FlowNetwork(nn.Module):
    """A mean network, and a generator of the same size that estimates the fine field from a state of the flow."""

    def __init__(self, mean: Generator, generator: Generator, config: FlowConfig | None = None) -> None:
        super().__init__()
        self.mean, self.generator, self.config = mean, generator, config or FlowConfig()
        a, b = mean.config, generator.config
        if (a.channels, a.factor, a.takes_noise) != (b.channels, b.factor, False):
            raise UserError(
                "Expected a mean network without noise for the fields and the factor of the flow, found "
                f"{a.channels} fields and factor {a.factor} for {b.channels} and {b.factor}: correct the card."
            )
        wanted = state_channels(b.channels, b.factor)
        if b.noise_channels != wanted or b.fine_noise_channels or len(self.config.residual_std) != b.channels:
            raise UserError(
                f"Expected a generator with noise_channels {wanted} and a residual_std for each of {b.channels} fields in a"
                f" flow, found {b.noise_channels} and {len(self.config.residual_std)}: correct the card."
            )
