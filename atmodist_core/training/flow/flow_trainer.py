"""What the training of a flow does in a step: estimate fine fields from states between noise and truth."""

from collections.abc import Mapping

import torch
from torch import Tensor

from atmodist_core.common.hardware import Hardware, use_channels_last
from atmodist_core.networks import Generator, PhysicalOutput
from atmodist_core.networks.flow_network import FlowConfig, FlowNetwork, flow_input, integrate
from atmodist_core.training.configuration import FlowMatchingConfig
from atmodist_core.training.data.coarse_patches import DownscalingBatch, downscaling_batch
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.ensemble.members_trainer import MembersTrainer
from atmodist_core.training.gan.downscaling_trainer import EXTRA, HELD_OUT, INPUT
from atmodist_core.training.gan.gan_start import StartModel
from atmodist_core.training.loop.trainer import set_rate
from atmodist_core.training.records.samples import evaluating

_LEAST_NOISE = 0.2
"""The error of a velocity is that of the estimate over 1 - t; near the end, where no step begins, it is not let grow further."""
_STD_BATCHES = 8


class FlowTrainer(MembersTrainer):
    """Training of a flow on the residual of the network it starts from, which stays as it is.

    Each patch has a time of its own, uniform in 0 .. 1. Without a start (a test of the installation) the mean is an untrained
    network.
    """

    config: FlowMatchingConfig
    shown = ("loss", "held_out_mse", "held_out_crps_vorticity")

    def __init__(
        self,
        config: FlowMatchingConfig,
        data: TrainingData,
        hardware: Hardware,
        start: StartModel | None = None,
    ) -> None:
        super().__init__(config, data, hardware, start)
        self.total_steps = config.epochs * config.batches_per_epoch
        self.columns = [
            *("loss", "estimate_mse", "gradient_norm", "learning_rate", "samples_per_second"),
            *self.members_columns,
        ]
        self._build_networks()
        self.mean = self._mean_network().to(self.fabric.device)
        if config.run.channels_last:
            use_channels_last(self.mean)
        self.mean_output = PhysicalOutput(self.mean.config, self.data.normalization)
        self.std = self._residual_std()

    def _mean_network(self) -> Generator:
        if self.start is not None:
            return self.start.network.requires_grad_(False).eval()
        import dataclasses

        torch.manual_seed(self.config.run.seed)
        return (
            Generator(dataclasses.replace(self.output.config, noise_channels=0)).requires_grad_(False).eval()
        )

    @torch.no_grad()
    def _mean(self, batch: DownscalingBatch) -> Tensor:
        with self.fabric.autocast():
            fine = self.mean(batch.coarse)
        return self.mean_output(fine.float(), batch.coarse, batch.area)

    def _residual_std(self) -> Tensor:
        """Standard deviation of the residual of each field, ``(1, channels, 1, 1)``, from batches that no step sees."""
        squares = []
        for number in range(_STD_BATCHES):
            places = self.sampler.patches(self.total_steps + number, self.config.batch_size)
            batch = downscaling_batch(self.data, places, self.config, training=True)
            squares.append((batch.fine - self._mean(batch)).square().mean(dim=(0, 2, 3)))
        return torch.stack(squares).mean(dim=0).sqrt().reshape(1, -1, 1, 1)

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One step: the error of the velocity at a random time of each patch."""
        c = self.config
        rate = self.learning_rate(step)
        set_rate(self.generator_optimizer, rate)
        batch = self.training_batch(step)
        residual = (batch.fine - self._mean(batch)) / self.std
        noise = self.noise.draw(len(residual), residual.shape[1:], step, INPUT)
        time = torch.special.ndtr(self.noise.draw(len(residual), (1,), step, EXTRA))[:, 0]
        left = (1.0 - time).reshape(-1, 1, 1, 1)
        state = left * noise + (1.0 - left) * residual
        estimate = self._finished(self.parallel_generator(flow_input(batch.coarse, state, time)), batch)
        squares = ((estimate - batch.fine) / self.std).square()
        loss = (squares / left.clamp_min(_LEAST_NOISE).square()).mean()
        norm = self.update(self.generator, self.generator_optimizer, loss, c.clip_norm)
        if self.average is not None:
            self.average.update(self.generator)
        rates = {"learning_rate": torch.tensor(rate), "gradient_norm": norm}
        return rates | {"loss": loss.detach(), "estimate_mse": squares.detach().mean()}

    @torch.no_grad()
    def generated(self, batch: DownscalingBatch, number: int, members: int = 1) -> Tensor:
        """Return normalised fine patches drawn by the evaluated generator, all of the first member first."""
        many = DownscalingBatch(*(torch.cat([part] * members) for part in batch))
        noise = self.noise.draw_members(len(batch.fine), members, batch.fine.shape[1:], number, HELD_OUT)
        mean = self._mean(many)

        def estimate(state: Tensor, time: float) -> Tensor:
            clock = torch.full((len(state),), time, device=state.device)
            with evaluating(self.evaluated_generator), self.fabric.autocast():
                fine = self.evaluated_generator(flow_input(many.coarse, state, clock))
            return (self._finished(fine.float(), many) - mean) / self.std

        return mean + self.std * integrate(estimate, noise, self.config.solver_steps, self.config.solver)

    def flow_network(self) -> FlowNetwork:
        """The trained flow as it is saved."""
        std = tuple(self.std.flatten().tolist())
        return FlowNetwork(
            self.mean,
            self.evaluated_generator,
            FlowConfig(self.config.solver_steps, self.config.solver, std),
        )
