"""The pretext task: classify the lag between two patches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.common.hardware import Hardware, use_channels_last
from atmodist_core.training.configuration import DistanceConfig
from atmodist_core.training.data import clips, patches
from atmodist_core.training.data.fields_in_store import FieldsInStore
from atmodist_core.training.data.held_out import pair_batches, prefixed, pretext_scores
from atmodist_core.training.data.look_ahead import LookAhead
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.distance.confusion_file import write_confusion
from atmodist_core.training.distance.distance_matching import held_out_distance_curves
from atmodist_core.training.distance.distance_start import (
    StartDistance,
    build_distance_network,
    build_optimizer,
    check_distance_config,
    check_precision,
    places_per_step,
)
from atmodist_core.training.loop.checkpoints import (
    BEST_NAME,
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
    write_checkpoint,
)
from atmodist_core.training.loop.distributed import copy_buffers_from_main, sum_over_processes
from atmodist_core.training.loop.ema import WeightAverage
from atmodist_core.training.loop.schedules import ReduceOnPlateau, one_cycle
from atmodist_core.training.loop.synchronized_batch_norm import synchronize_batch_norm
from atmodist_core.training.loop.trainer import Trainer, set_rate
from atmodist_core.training.records.samples import draw_distance_samples

_HELD_OUT_COLUMNS = ("loss", "accuracy", "top3", "lag_error_hours", "median_lag_error_hours")


class DistanceTrainer(Trainer):
    """Training of the distance network on normalised fields, from the weights of ``start`` if given."""

    config: DistanceConfig
    unit = "pairs"
    shown: tuple[str, ...] = ("loss", "accuracy", "held_out_accuracy", "held_out_lag_error_hours")
    own_columns: tuple[str, ...] = ("loss", "accuracy", "top3")
    held_out_names: tuple[str, ...] = _HELD_OUT_COLUMNS
    network: Any

    def __init__(
        self,
        config: DistanceConfig,
        data: TrainingData,
        hardware: Hardware,
        start: StartDistance | None = None,
    ) -> None:
        check_distance_config(config)
        super().__init__(config, data, hardware)
        self.start = start
        self.stride = patches.lag_stride(
            (*data.training_fields.members, *data.held_out_fields.members), config.lag_step_hours
        )
        self.total_steps = sum(self._epoch_lengths())
        self.columns = [
            *(*self.own_columns, "learning_rate", "gradient_norm", "samples_per_second"),
            *(f"held_out_{name}" for name in self.held_out_names),
        ]
        self.places = places_per_step(config, self.fabric.world_size, self.times_per_place)
        self.network = self.build_network()
        if self.fabric.world_size > 1 and config.sync_batch_norm:
            synchronize_batch_norm(self.network, hardware.device)
        self.optimizer = build_optimizer(self.network, config)
        if config.run.channels_last:
            use_channels_last(self.network)
        self.parallel, _ = self.fabric.setup(self.trained_module(), self.optimizer)
        self.average: WeightAverage[Any] | None = (
            WeightAverage(self.network, config.ema_decay) if config.ema_decay > 0 else None
        )
        weights = clips.lag_weights(config.classes, config.times_per_place)
        self.lag_weights = torch.tensor(weights, dtype=torch.float32, device=self.fabric.device)
        self.plateau = ReduceOnPlateau(
            config.learning_rate, config.plateau_factor, config.plateau_patience, config.minimum_learning_rate
        )
        self.best_loss: float | None = None
        self.epochs_without_better = 0
        self.sampler = self.make_sampler(patches.TRAINING_STREAM)
        ahead = config.data.loader_workers if isinstance(self.data.training_fields, FieldsInStore) else 0
        self.batches = LookAhead(self._batch, ahead)
        self.sampler.pairs(0, 1, classes=config.classes, stride=self.stride)  # too short a series fails here
        self.make_sampler(patches.VALIDATION_STREAM).pairs(0, 1, classes=config.classes, stride=self.stride)

    def build_network(self) -> Any:
        """Return the network before training."""
        network = build_distance_network(self.config, self.start)
        check_precision(network, self.hardware)
        return network

    def trained_module(self) -> nn.Module:
        """Return what a step calls."""
        return clips.ClipNetwork(self.network)

    @property
    def times_per_place(self) -> int:
        """Patches at each place."""
        return self.config.times_per_place

    def _epoch_lengths(self) -> list[int]:
        c = self.config
        subset = min(c.subset_epochs, c.epochs)
        return [c.subset_batches] * subset + [c.batches_per_epoch] * (c.epochs - subset)

    def epoch_of(self, step: int) -> int:
        """Epoch (0-based) a step belongs to."""
        c = self.config
        subset_epochs = min(c.subset_epochs, c.epochs)
        subset_steps = subset_epochs * c.subset_batches
        if step < subset_steps:
            return step // c.subset_batches
        return subset_epochs + (step - subset_steps) // c.batches_per_epoch

    def sample_step(self, step: int) -> int:
        """Number of the random batch that a step trains on: the same few come again in the first epochs."""
        c = self.config
        subset_steps = min(c.subset_epochs, c.epochs) * c.subset_batches
        return step % c.subset_batches if step < subset_steps else step

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step."""
        c = self.config
        if c.schedule == "one-cycle":
            return one_cycle(step, self.total_steps, c.learning_rate, warmup_fraction=c.warmup_fraction)
        return self.plateau.rate if c.schedule == "plateau" else c.learning_rate

    def _batch(self, step: int) -> tuple[Tensor, ...]:
        """Patches and labels of this process's share of a step."""
        c = self.config
        drawn = clips.draw_clips(
            self.sampler,
            self.sample_step(step),
            self.places,
            classes=c.classes,
            stride=self.stride,
            times=c.times_per_place,
        ).part(self.fabric.global_rank, self.fabric.world_size)
        return clips.cut_clips(self.data.training_fields, drawn, c.data.patch_size, self.stride)

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One optimiser step."""
        batch = self.batches(step)
        rate = self.learning_rate(step)
        set_rate(self.optimizer, rate)
        self.parallel.train()
        numbers = self._learn(batch)
        if self.average is not None:
            self.average.update(self.network)
        return numbers | {"learning_rate": torch.tensor(rate)}

    def _learn(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        c = self.config
        fields, labels = batch
        logits = self.parallel(fields, c.times_per_place).float()
        if c.times_per_place == 2:
            weights = torch.ones_like(labels, dtype=torch.float32)
            loss = functional.cross_entropy(logits, labels)
        else:
            weights = self.lag_weights[labels]
            loss = (functional.cross_entropy(logits, labels, reduction="none") * weights).mean()
        norm = self.update(self.network, self.optimizer, loss, c.clip_norm)
        with torch.no_grad():
            best = logits.topk(min(3, c.classes), dim=1).indices == labels[:, None]
            return {
                "loss": loss.detach(),
                "accuracy": (best[:, 0].float() * weights).mean(),
                "top3": (best.any(dim=1).float() * weights).mean(),
                "gradient_norm": norm,
            }

    @property
    def evaluated_network(self) -> Any:
        """The network that is evaluated and exported: the average of weights where there is one."""
        return self.network if self.average is None else self.average.network

    @torch.no_grad()
    def predict_held_out(self, pairs: int, *, shared: bool = True) -> tuple[Tensor, Tensor]:
        """Logits ``(pairs, classes)`` and labels of the first held-out pairs (the same at every call).

        ``shared``: every process calls and does its share; else one process may do all alone.
        """
        c, network = self.config, self.evaluated_network
        rank, ranks = (self.fabric.global_rank, self.fabric.world_size) if shared else (0, 1)
        if shared:
            copy_buffers_from_main(network)
        was_training = network.training
        network.eval()
        logits = torch.zeros((pairs, c.classes), device=self.fabric.device)
        labels = torch.zeros(pairs, dtype=torch.int64, device=self.fabric.device)
        sampler = self.make_sampler(patches.VALIDATION_STREAM)
        options = {"batch_size": c.batch_size, "patch_size": c.data.patch_size, "classes": c.classes}
        found = pair_batches(
            self.data.held_out_fields, sampler, pairs=pairs, stride=self.stride, part=(rank, ranks), **options
        )
        for number, (earlier, later, label) in enumerate(found):
            first = (rank + number * ranks) * c.batch_size
            with self.fabric.autocast():
                logits[first : first + len(label)] = network(earlier, later).float()
            labels[first : first + len(label)] = label
        network.train(was_training)
        return (sum_over_processes(logits), sum_over_processes(labels)) if shared else (logits, labels)

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out pairs; keep the best weights and update the plateau schedule."""
        c = self.config
        scores = self.held_out(step)
        self.plateau.update(scores["loss"])
        if self.best_loss is None or scores["loss"] < self.best_loss:
            self.best_loss, self.epochs_without_better = scores["loss"], 0
            if self.is_main_process and c.keep == "best":
                best = {"step": step + 1, "loss": scores["loss"]}
                path = c.run.out / BEST_NAME
                write_checkpoint(
                    path, module_tensors(self.evaluated_network, "network"), best, keep_previous=False
                )
        else:
            self.epochs_without_better += 1
        return prefixed("held_out_", dict(scores))

    def held_out(self, step: int) -> Mapping[str, float]:
        """Scores on held-out pairs, and the file of their confusion matrix."""
        self.last_held_out = self.predict_held_out(self.config.validation_pairs)
        if self.is_main_process:
            write_confusion(self.config.run.out, *self.last_held_out, epoch=self.epoch_of(step))
        return pretext_scores(*self.last_held_out, self.config.lag_step_hours)

    def draw_samples(self, folder: Path, step: int) -> None:
        """Draw the confusion matrix and distances over the lag, on held-out pairs; main process only."""
        c = self.config
        encoder = self.evaluated_network.encoder
        curves = held_out_distance_curves(self, encoder, c.classes, min(16, c.matching_pairs))
        draw_distance_samples(folder, step, *self.last_held_out, curves, lag_step_hours=c.lag_step_hours)

    def close(self) -> None:
        """End the threads that read ahead."""
        self.batches.close()

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out loss has not fallen for as long as the settings allow."""
        return 0 < self.config.early_stop_patience <= self.epochs_without_better

    def tensors(self) -> dict[str, Tensor]:
        """Weights, running statistics and momenta; with an average of weights, that too."""
        tensors = module_tensors(self.network, "network") | optimizer_tensors(self.optimizer, "optimizer")
        return tensors if self.average is None else tensors | self.average.tensors("average")

    def state(self) -> dict[str, Any]:
        """The plateau's memory, the best loss, and how long it has stood."""
        return {
            "plateau": self.plateau.state(),
            "best_loss": self.best_loss,
            "epochs_without_better": self.epochs_without_better,
            "average_updates": 0 if self.average is None else self.average.updates,
        }

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        restore_module(self.network, tensors, "network")
        restore_optimizer(self.optimizer, tensors, "optimizer")
        if self.average is not None:
            self.average.restore(tensors, "average", state["average_updates"])
        self.plateau.load(state["plateau"])
        self.best_loss = state["best_loss"]
        self.epochs_without_better = state.get("epochs_without_better", 0)
