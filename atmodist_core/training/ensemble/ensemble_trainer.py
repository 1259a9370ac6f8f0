"""What the training of an ensemble generator does in a step: a few members of each patch, under proper scores."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.hardware import Hardware
from atmodist_core.networks.losses.statistics import SpectrumLoss
from atmodist_core.training.configuration import EnsembleConfig
from atmodist_core.training.data.coarse_patches import downscaling_batch
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.ensemble.ensemble_losses import build_ensemble_losses
from atmodist_core.training.ensemble.ensemble_scores import ENSEMBLE_SCORE_NAMES, EnsembleScores
from atmodist_core.training.gan.downscaling_scores import DownscalingScores
from atmodist_core.training.gan.downscaling_trainer import ADVERSARIAL_COLUMNS, DownscalingTrainer
from atmodist_core.training.gan.gan_start import StartModel
from atmodist_core.training.loop.trainer import set_rate


class EnsembleTrainer(DownscalingTrainer):
    """Training of a generator with noise.

    A step draws members of each patch and lowers a weighted sum of proper scores; the spectral term compares the power of
    all members with the truth's. An adversary, if there is one, sees the first member and takes one step before the generator's.
    """

    config: EnsembleConfig
    shown = ("loss", "crps", "held_out_mse")

    def __init__(
        self, config: EnsembleConfig, data: TrainingData, hardware: Hardware, start: StartModel | None = None
    ) -> None:
        super().__init__(config, data, hardware, start)
        self.total_steps = config.epochs * config.batches_per_epoch
        self.adversarial = config.adversarial_weight > 0
        names = [f"{score}_{channel}" for score in ENSEMBLE_SCORE_NAMES for channel in config.data.channels]
        self.columns = [
            *("loss", "crps", "bands", "patches", "features", "spectrum", *ADVERSARIAL_COLUMNS),
            *("spread", "gradient_norm", "learning_rate", "samples_per_second"),
            *self.held_out_columns,
            *(f"held_out_{name}" for name in names),
        ]
        scores, self.about_encoder = build_ensemble_losses(config, self.data)
        self.weights = {name: weight for name, (weight, _) in scores.items()}
        self.losses = nn.ModuleDict({name: loss for name, (_, loss) in scores.items()}).to(self.fabric.device)
        self.spectrum = SpectrumLoss(self.data.normalization, config.factor)
        self._build_networks(self.losses)

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step: half a cosine down over the whole run."""
        c = self.config
        share = 0.5 + 0.5 * math.cos(math.pi * step / max(1, self.total_steps - 1))
        return c.final_learning_rate + share * (c.learning_rate - c.final_learning_rate)

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One step of the generator, after one of the discriminator where there is one."""
        c = self.config
        rate = self.learning_rate(step)
        ratio = (c.discriminator_learning_rate or c.learning_rate) / c.learning_rate
        set_rate(self.generator_optimizer, rate)
        set_rate(self.discriminator_optimizer, rate * ratio)
        places = self.own_share(self.sampler.patches(step, c.batch_size))
        batch = downscaling_batch(self.data, places, c, training=True)
        generated = self._generate(batch, step, members=c.members)
        members = generated.unflatten(0, (c.members, len(batch.fine)))
        numbers: dict[str, Tensor] = {}
        if self.adversarial:
            numbers |= self._discriminator_step(batch.fine, members[0].detach(), step)
        loss = torch.zeros((), device=generated.device)
        terms = dict(self.weights)
        if c.spectrum_weight > 0:
            terms["spectrum"] = c.spectrum_weight
        if self.adversarial:
            terms["adversarial"] = c.adversarial_weight
        for name, weight in terms.items():
            if name == "spectrum":
                term = self.spectrum(generated, batch.fine)
            elif name == "adversarial":
                term = self._adversarial_term(members[0], batch.fine, step)
            else:
                with self.fabric.autocast():
                    term = self.losses[name](members, batch.fine)
            loss = loss + weight * term
            numbers[name] = term.detach()
        norm = self.update(self.generator, self.generator_optimizer, loss, c.clip_norm)
        if self.average is not None:
            self.average.update(self.generator)
        spread = (members[0] - members[1]).detach().float().abs().mean()
        rates = {"learning_rate": torch.tensor(rate), "gradient_norm": norm, "spread": spread}
        return numbers | rates | {"loss": loss.detach()}

    @torch.no_grad()
    def held_out_scores(self) -> dict[str, float]:
        """Scores of single members of the evaluated generator, and of all together, on held-out patches."""
        c = self.config
        single = DownscalingScores(c.data.channels, c.factor, self.data.normalization)
        ensemble = EnsembleScores(c.data.channels, self.data.normalization)
        for number, batch in enumerate(self._held_out_batches()):
            generated = self.generated(batch, number, c.held_out_members)
            single.add(generated, self._repeated(batch.fine, generated))
            ensemble.add(generated.unflatten(0, (c.held_out_members, len(batch.fine))), batch.fine)
        return single.result() | ensemble.result()

    @torch.no_grad()
    def bicubic_scores(self) -> dict[str, float]:
        """Scores of bicubic interpolation on the same patches; its CRPS is its mean absolute error."""
        ensemble = EnsembleScores(self.config.data.channels, self.data.normalization)
        for batch in self._held_out_batches():
            size = batch.fine.shape[-2:]
            ensemble.add(functional.interpolate(batch.coarse, size=size, mode="bicubic")[None], batch.fine)
        crps = {name: value for name, value in ensemble.result().items() if name.startswith("crps")}
        return super().bicubic_scores() | crps
