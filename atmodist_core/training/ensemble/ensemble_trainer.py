"""What the training of an ensemble generator does in a step: a few members of each patch, under proper scores."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from atmodist_core.common.hardware import Hardware
from atmodist_core.training.configuration import EnsembleConfig
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.ensemble.ensemble_losses import build_ensemble_losses
from atmodist_core.training.ensemble.members_trainer import MembersTrainer
from atmodist_core.training.gan.content import build_statistics_losses
from atmodist_core.training.gan.downscaling_trainer import (
    ADVERSARIAL_COLUMNS,
    RIVAL_COLUMNS,
)
from atmodist_core.training.gan.gan_start import StartModel
from atmodist_core.training.loop.trainer import set_rate


class EnsembleTrainer(MembersTrainer):
    """Training of a generator with noise.

    A step draws members of each patch and lowers a weighted sum of proper scores; further terms compare every member with
    the truth. An adversary, if there is one, sees the first member and takes one step before the generator's.
    """

    config: EnsembleConfig
    shown = ("loss", "crps", "held_out_mse")

    def __init__(
        self, config: EnsembleConfig, data: TrainingData, hardware: Hardware, start: StartModel | None = None
    ) -> None:
        super().__init__(config, data, hardware, start)
        self.total_steps = config.epochs * config.batches_per_epoch
        self.adversarial = config.adversarial_weight > 0
        self.columns = [
            *(
                "loss",
                "crps",
                "bands",
                "patches",
                "features",
                "spectrum",
                "pattern",
                *RIVAL_COLUMNS,
                *ADVERSARIAL_COLUMNS,
            ),
            *("spread", "gradient_norm", "learning_rate", "samples_per_second"),
            *self.members_columns,
        ]
        scores, self.about_encoder = build_ensemble_losses(config, self.data)
        self.weights = {name: weight for name, (weight, _) in scores.items()}
        self.losses = nn.ModuleDict({name: loss for name, (_, loss) in scores.items()}).to(self.fabric.device)
        self.statistics, about = build_statistics_losses(config, self.data)
        self.about_encoder = about | self.about_encoder
        self._build_networks(self.losses, *self.statistics_networks())

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One step of the generator, after one of the discriminator where there is one."""
        c = self.config
        rate = self.learning_rate(step)
        ratio = (c.discriminator_learning_rate or c.learning_rate) / c.learning_rate
        set_rate(self.generator_optimizer, rate)
        set_rate(self.discriminator_optimizer, rate * ratio)
        batch = self.training_batch(step)
        generated = self._generate(batch, step, members=c.members)
        members = generated.unflatten(0, (c.members, len(batch.fine)))
        numbers: dict[str, Tensor] = {}
        if self.adversarial:
            numbers |= self._discriminator_step(batch.fine, members[0].detach(), step)
        loss = torch.zeros((), device=generated.device)
        terms = dict(self.weights) | {name: weight for name, (weight, _) in self.statistics.items()}
        if self.adversarial:
            terms["adversarial"] = c.adversarial_weight
        for name, weight in terms.items():
            if name == "adversarial":
                term = self._adversarial_term(members[0], batch.fine, step)
            elif name in self.statistics:
                statistic = self.statistics[name][1]
                statistic.at(step)
                with self.fabric.autocast():
                    term = statistic(generated, self._repeated(batch.fine, generated))
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
