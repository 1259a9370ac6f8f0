"""Adversarial losses, the R1 penalty, spectral normalisation, and noise for patches."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class AdversarialForm(ABC):
    """Losses of both networks from logits (positive: real), each of shape ``(batch, 1)``, float32."""

    needs_real_logits = False
    """Whether the generator's loss compares with the real patches of the same places."""

    @abstractmethod
    def discriminator(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the discriminator's loss, a mean over real and generated patches."""

    @abstractmethod
    def generator(self, generated: Tensor, real: Tensor | None) -> Tensor:
        """Return the generator's loss."""


class SigmoidForm(AdversarialForm):
    """Sigmoid cross-entropy, as published; log 2 = 0.693 for a discriminator that guesses."""

    def discriminator(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return half the sum of both cross-entropies, to which the thresholds of the balance refer."""
        on_real = functional.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        on_generated = functional.binary_cross_entropy_with_logits(generated, torch.zeros_like(generated))
        return 0.5 * (on_real + on_generated)

    def generator(self, generated: Tensor, real: Tensor | None) -> Tensor:
        """Return the non-saturating loss: its slope stays where the discriminator is sure."""
        return functional.binary_cross_entropy_with_logits(generated, torch.ones_like(generated))


class HingeForm(AdversarialForm):
    """Hinge loss (Lim & Ye 2017): beyond a margin of 1 the discriminator no longer learns."""

    def discriminator(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the mean shortfall from the margin; 1 for a discriminator that guesses."""
        return 0.5 * (functional.relu(1.0 - real).mean() + functional.relu(1.0 + generated).mean())

    def generator(self, generated: Tensor, real: Tensor | None) -> Tensor:
        """Return minus the mean logit."""
        return -generated.mean()


class RelativisticForm(AdversarialForm):
    """Relativistic pairing (Jolicoeur-Martineau 2018; Huang et al. 2024): is this patch more real than that?

    Real and generated patches are of the same place and time, so only what the generator gets wrong counts.
    """

    needs_real_logits = True

    def discriminator(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the cross-entropy of the difference of logits; log 2 for one that guesses."""
        return functional.softplus(generated - real).mean()

    def generator(self, generated: Tensor, real: Tensor | None) -> Tensor:
        """Return the same of the other order."""
        assert real is not None
        return functional.softplus(real - generated).mean()


ADVERSARIAL_FORMS: dict[str, type[AdversarialForm]] = {
    "sigmoid": SigmoidForm,
    "hinge": HingeForm,
    "relativistic": RelativisticForm,
}
"""Forms by the name that configurations use."""


def r1_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Squared gradient of the logits at real patches (Mescheder et al. 2018), a scalar.

    It makes the discriminator flat around real fields, so that its slope towards it does not grow without end
    (with 0.5 x weight in front). Computed in float32: the second derivative loses too much in bfloat16. The
    discriminator comes without the wrapper of several processes: its gradients are gathered with those of the
    loss.
    """
    with torch.autocast(real.device.type, enabled=False):
        at = real.detach().float().requires_grad_(True)
        logits = discriminator(at)
        (slope,) = torch.autograd.grad(logits.sum(), at, create_graph=True)
        return slope.square().sum(dim=(1, 2, 3)).mean()


class PatchNoise:
    """Unit normal noise that depends on seed, step and purpose alone, whatever was drawn before.

    The noise of a whole batch is drawn and each process takes its part, so that several processes together
    see what one would see.
    """

    def __init__(
        self, seed: int, batch_size: int, device: torch.device, rank: int = 0, processes: int = 1
    ) -> None:
        self.seed, self.batch_size, self.device = seed, batch_size, device
        self.rank, self.processes = rank, processes

    def draw(self, count: int, shape: torch.Size | tuple[int, ...], step: int, purpose: int) -> Tensor:
        """Return noise for ``count`` patches of this process, each of a shape."""
        word = np.random.SeedSequence((self.seed, step, purpose)).generate_state(1, np.uint64)[0]
        generator = torch.Generator(self.device).manual_seed(int(word) >> 1)
        whole = (max(self.batch_size, count * self.processes), *shape)
        noise = torch.randn(whole, generator=generator, device=self.device)
        return noise[self.rank :: self.processes][:count]

    def draw_members(
        self, count: int, members: int, shape: torch.Size | tuple[int, ...], step: int, purpose: int
    ) -> Tensor:
        """Return noise ``(members * count, channels, ...)``: that of all patches for the first member, then for the next."""
        channels, *rest = shape
        drawn = self.draw(count, (members * channels, *rest), step, purpose)
        return drawn.unflatten(1, (members, channels)).transpose(0, 1).flatten(0, 1)


def use_spectral_norm(discriminator: nn.Module) -> None:
    """Divide every kernel by its largest singular value (Miyato et al. 2018), in place."""
    for module in discriminator.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            torch.nn.utils.parametrizations.spectral_norm(module)
