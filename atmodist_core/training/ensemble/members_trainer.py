"""What trainings of networks with members share: the falling rate, and held-out scores of members."""

import torch
from torch.nn import functional

from atmodist_core.training.ensemble.ensemble_scores import ENSEMBLE_SCORE_NAMES, EnsembleScores
from atmodist_core.training.gan.downscaling_scores import DownscalingScores
from atmodist_core.training.gan.downscaling_trainer import DownscalingTrainer
from atmodist_core.training.loop.schedules import falling_cosine


class MembersTrainer(DownscalingTrainer):
    """Base of the trainings of networks whose fields are members; settings have ``epochs`` and ``held_out_members``."""

    @property
    def members_columns(self) -> list[str]:
        """Columns of the held-out scores of curves.csv."""
        names = [
            f"{score}_{channel}" for score in ENSEMBLE_SCORE_NAMES for channel in self.config.data.channels
        ]
        return [*self.held_out_columns, *(f"held_out_{name}" for name in names)]

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step: half a cosine down over the whole run."""
        c = self.config
        return falling_cosine(step, self.total_steps, c.learning_rate, c.final_learning_rate)

    @torch.no_grad()
    def held_out_scores(self) -> dict[str, float]:
        """Scores of single members of the evaluated generator, and of all together, on held-out patches."""
        c = self.config
        single = DownscalingScores(c.data.channels, c.factor, self.data.normalization)
        ensemble = EnsembleScores(c.data.channels, self.data.normalization)
        for number, batch in enumerate(self.held_out_batches()):
            generated = self.generated(batch, number, c.held_out_members)
            single.add(generated, self._repeated(batch.fine, generated))
            ensemble.add(generated.unflatten(0, (c.held_out_members, len(batch.fine))), batch.fine)
        return single.result() | ensemble.result()

    @torch.no_grad()
    def bicubic_scores(self) -> dict[str, float]:
        """Scores of bicubic interpolation on the same patches; its CRPS is its mean absolute error."""
        ensemble = EnsembleScores(self.config.data.channels, self.data.normalization)
        for batch in self.held_out_batches():
            size = batch.fine.shape[-2:]
            ensemble.add(functional.interpolate(batch.coarse, size=size, mode="bicubic")[None], batch.fine)
        crps = {name: value for name, value in ensemble.result().items() if name.startswith("crps")}
        return super().bicubic_scores() | crps
