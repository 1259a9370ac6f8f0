"""Training of the distance network: which of 23 lags lies between two patches?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from atmodist_core.errors import UserError
from atmodist_core.networks import DistanceNetwork, Encoder, EncoderConfig, LagClassifier, LagClassifierConfig
from atmodist_core.training import patches
from atmodist_core.training.checkpoints import (
    BEST_NAME,
    module_tensors,
    optimizer_tensors,
    read_checkpoint,
    restore_module,
    restore_optimizer,
    write_checkpoint,
)
from atmodist_core.training.configuration import DistanceConfig
from atmodist_core.training.distance_report import save_distance_model
from atmodist_core.training.hardware import Hardware, choose_hardware, make_fabric, use_channels_last
from atmodist_core.training.held_out import pair_batches, prefixed, pretext_scores
from atmodist_core.training.logs import reading_progress
from atmodist_core.training.loop import check_run_folder, run_training, write_run_config
from atmodist_core.training.provenance import export_folder
from atmodist_core.training.schedules import ReduceOnPlateau, one_cycle
from atmodist_core.training.training_data import TrainingData, load_training_data

_HELD_OUT_COLUMNS = ("loss", "accuracy", "top3", "lag_error_hours", "median_lag_error_hours")


class DistanceTrainer:
    """One training of the pretext task; see :class:`atmodist_core.training.loop.Trainer`.

    Parameters
    ----------
    config
        All settings.
    data
        Weather with normalised fields.
    hardware
        Device and precision.

    Raises
    ------
    UserError
        The time spacing does not fit, a number is out of range, or there are too few times.
    """

    unit = "pairs"
    shown: tuple[str, ...] = ("loss", "accuracy", "held_out_accuracy", "held_out_lag_error_hours")

    def __init__(self, config: DistanceConfig, data: TrainingData, hardware: Hardware) -> None:
        _check(config)
        self.config, self.hardware = config, hardware
        self.stride = patches.lead_stride(
            (*data.training_fields.members, *data.held_out_fields.members), config.lead_step_hours
        )
        self.fabric = make_fabric(hardware)
        self.fabric.launch()
        self.data = data.to(self.fabric.device)
        self.is_main_process = self.fabric.is_global_zero
        self.samples_per_step = config.batch_size
        self.total_steps = sum(self._epoch_lengths())
        self.columns = [
            "loss", "accuracy", "top3", "learning_rate", "gradient_norm", "samples_per_second",
            *(f"held_out_{name}" for name in _HELD_OUT_COLUMNS),
        ]  # fmt: skip
        self.network = build_distance_network(config)
        _check_precision(self.network, hardware)
        self.optimizer = _optimizer(self.network, config)
        if config.run.channels_last:
            use_channels_last(self.network)
        self.parallel, _ = self.fabric.setup(self.network, self.optimizer)
        self.plateau = ReduceOnPlateau(
            config.learning_rate, config.plateau_factor, config.plateau_patience, config.minimum_learning_rate
        )
        self.best_loss: float | None = None
        self.sampler = self.make_sampler(patches.TRAINING_STREAM)
        self.sampler.pairs(0, 1, classes=config.classes, stride=self.stride)  # too short a series fails here
        self.make_sampler(patches.VALIDATION_STREAM).pairs(0, 1, classes=config.classes, stride=self.stride)

    def make_sampler(self, stream: int) -> patches.PatchSampler:
        """Sampler of a stream, over the training or the held-out times as befits it."""
        held = stream in (patches.VALIDATION_STREAM, patches.MATCHING_STREAM)
        return patches.PatchSampler(
            self.data.held_out_fields if held else self.data.training_fields,
            self.data.held_out if held else self.data.training,
            patch_size=self.config.data.patch_size,
            latitude_limit=self.config.data.latitude_limit,
            mirror=self.config.data.mirror and stream == patches.TRAINING_STREAM,
            seed=self.config.run.seed,
            stream=stream,
        )

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

    def step(self, step: int) -> Mapping[str, Tensor]:
        """One optimiser step."""
        c = self.config
        places = self.sampler.pairs(
            self.sample_step(step), c.batch_size, classes=c.classes, stride=self.stride
        ).part(self.fabric.global_rank, self.fabric.world_size)
        earlier, later, label = patches.cut_pairs(
            self.data.training_fields, places, c.data.patch_size, self.stride
        )
        rate = self.learning_rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.parallel.train()
        logits = self.parallel(earlier, later).float()
        loss = functional.cross_entropy(logits, label)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), c.clip_norm)
        self.optimizer.step()
        with torch.no_grad():
            best = logits.topk(min(3, c.classes), dim=1).indices == label[:, None]
            return {
                "loss": loss.detach(),
                "accuracy": best[:, 0].float().mean(),
                "top3": best.any(dim=1).float().mean(),
                "learning_rate": torch.tensor(rate),
                "gradient_norm": norm.detach(),
            }

    @torch.no_grad()
    def predict_held_out(self, pairs: int) -> tuple[Tensor, Tensor]:
        """Logits ``(pairs, classes)`` and labels of the first held-out pairs (the same at every call)."""
        c = self.config
        self.parallel.eval()
        logits, labels = [], []
        for earlier, later, label in pair_batches(
            self.data.held_out_fields,
            self.make_sampler(patches.VALIDATION_STREAM),
            pairs=pairs,
            batch_size=c.batch_size,
            patch_size=c.data.patch_size,
            classes=c.classes,
            stride=self.stride,
        ):
            logits.append(self.parallel(earlier, later).float())
            labels.append(label)
        self.parallel.train()
        return torch.cat(logits), torch.cat(labels)

    def end_epoch(self, step: int) -> Mapping[str, float]:
        """Scores on held-out pairs; keeps the best weights and tells the plateau schedule."""
        scores = pretext_scores(
            *self.predict_held_out(self.config.validation_pairs), self.config.lead_step_hours
        )
        self.plateau.update(scores["loss"])
        if self.best_loss is None or scores["loss"] < self.best_loss:
            self.best_loss = scores["loss"]
            if self.is_main_process and self.config.keep == "best":
                best = {"step": step + 1, "loss": scores["loss"]}
                path = self.config.run.out / BEST_NAME
                write_checkpoint(path, module_tensors(self.network, "network"), best)
        return prefixed("held_out_", scores)

    def tensors(self) -> dict[str, Tensor]:
        """Weights, running statistics and momenta."""
        return module_tensors(self.network, "network") | optimizer_tensors(self.optimizer, "optimizer")

    def state(self) -> dict[str, Any]:
        """The plateau's memory and the best loss."""
        return {"plateau": self.plateau.state(), "best_loss": self.best_loss}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        restore_module(self.network, tensors, "network")
        restore_optimizer(self.optimizer, tensors, "optimizer")
        self.plateau.load(state["plateau"])
        self.best_loss = state["best_loss"]


def build_distance_network(config: DistanceConfig) -> DistanceNetwork:
    """The untrained network of a configuration; its weights depend on the seed alone."""
    torch.manual_seed(config.run.seed)
    encoder = Encoder(EncoderConfig(channels=len(config.data.channels)))
    classifier = LagClassifier(
        LagClassifierConfig(
            classes=config.classes,
            lead_step_hours=config.lead_step_hours,
            patch_size=config.data.patch_size,
            encoder_channels=encoder.config.output_channels,
            encoder_stride=encoder.config.stride(),
        )
    )
    return DistanceNetwork(encoder, classifier)


def _optimizer(network: nn.Module, config: DistanceConfig) -> torch.optim.Optimizer:
    """Optimiser that decays kernels only: biases and batch norm have one axis."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": kernels, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=True)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.momentum, 0.999), fused=True)


def _check(config: DistanceConfig) -> None:
    counts = ("batch_size", "epochs", "batches_per_epoch", "subset_batches")
    pairs = ("validation_pairs", "final_pairs", "matching_pairs")
    for name in (*counts, *pairs, "classes", "lead_step_hours", "learning_rate", "clip_norm"):
        if not getattr(config, name) > 0:
            raise UserError(
                f"Expected a positive --{name.replace('_', '-')}, found {getattr(config, name)}; give one"
                " above zero."
            )
    for name in ("patch_size", "latitude_limit"):
        if not getattr(config.data, name) > 0:
            raise UserError(
                f"Expected a positive --{name.replace('_', '-')}, found {getattr(config.data, name)}."
            )
    if config.classes < 2:
        raise UserError(f"Expected at least two --classes to tell apart, found {config.classes}.")


def _check_precision(network: DistanceNetwork, hardware: Hardware) -> None:
    """Refuse what PyTorch computes wrongly.

    On CPUs the weight gradient of a strided bfloat16 convolution over a single point holds uninitialised
    memory (seen with torch 2.13, oneDNN 3.12); the classifier of small patches begins with one.
    """
    config = network.classifier.config
    if config.encoded_size == 1 and (hardware.device, hardware.precision) == ("cpu", "bfloat16"):
        raise UserError(
            f"Expected patches of more than {config.encoder_stride} points for bfloat16 on a CPU, found"
            f" --patch-size {config.patch_size}; choose a larger one or --precision float32."
        )


def train_distance(
    config: DistanceConfig, sources: Sequence[Path | str | xr.Dataset] | None = None
) -> Path | None:
    """Train (or go on training) a distance network, judge it and save it.

    Parameters
    ----------
    config
        All settings.
    sources
        Datasets in place of ``config.data.data`` (tests, notebooks).

    Returns
    -------
    Path or None
        Folder of the finished model; None when the run was stopped before its end.

    Raises
    ------
    UserError
        A setting, the data, or the folder of the run does not fit.
    """
    _check(config)
    run = config.run
    hardware = choose_hardware(run.device, run.precision, run.threads, run.deterministic)
    check_run_folder(config)
    with reading_progress(run.progress) as progress:
        data = load_training_data(config.data, sources=sources, progress=progress).normalized()
    trainer = DistanceTrainer(config, data, hardware)
    if run.progress and trainer.is_main_process:
        print(f"{data.describe()}; {hardware.describe()}", flush=True)
    if trainer.is_main_process:
        write_run_config(config)
    if not run_training(trainer, run):
        return None
    best = config.run.out / BEST_NAME
    if config.keep == "best" and best.is_file():
        restore_module(trainer.network, read_checkpoint(best)[0], "network")
    if trainer.is_main_process:
        save_distance_model(trainer)
    return export_folder(run)
