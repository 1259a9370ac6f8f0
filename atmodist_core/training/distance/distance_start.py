"""What a distance training checks, builds and reads before it starts."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from atmodist_core.common.errors import UserError
from atmodist_core.common.hardware import Hardware
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.models.card import CARD_FILE, ModelCard
from atmodist_core.models.store import load_network
from atmodist_core.networks import DistanceNetwork, Encoder, EncoderConfig, LagClassifier, LagClassifierConfig
from atmodist_core.training.loop.weight_decay import decaying_kernels
from atmodist_core.training.settings.distance_configuration import DistanceConfig
from atmodist_core.training.settings.shared_configuration import require_positive


@dataclass(frozen=True)
class StartDistance:
    """A trained distance network that a run starts from."""

    card: ModelCard
    tensors: dict[str, Tensor]


def load_start_distance(config: DistanceConfig) -> StartDistance | None:
    """Read the distance model after ``--start-from``, if one is named; it must have the same channels."""
    if config.start_from is None:
        return None
    in_run = Path(config.start_from) / "model"
    card, network = load_network(in_run if (in_run / CARD_FILE).is_file() else config.start_from)
    if not isinstance(network, DistanceNetwork):
        raise UserError(
            f"Expected a distance model after --start-from, found the {card.kind} model {card.name!r}; name"
            " one such as atmodist-23."
        )
    if card.channels != config.data.channels:
        raise UserError(
            f"Expected a model of the channels {', '.join(config.data.channels)} after --start-from, found"
            f" {card.name!r} of {', '.join(card.channels)}; change --channels or the model."
        )
    return StartDistance(card, {k: v.clone() for k, v in network.state_dict().items()})


def build_distance_network(config: DistanceConfig, start: StartDistance | None = None) -> DistanceNetwork:
    """The network before training; its random weights depend on the seed alone.

    The weights of ``start`` are taken wherever the shapes agree: the whole encoder, and of the classifier all
    but the dense layer, whose shape depends on the patch size and the classes.
    """
    torch.manual_seed(config.run.seed)
    encoder = Encoder(EncoderConfig(channels=len(config.data.channels)))
    classifier = LagClassifier(
        LagClassifierConfig(
            classes=config.classes,
            lag_step_hours=config.lag_step_hours,
            patch_size=config.data.patch_size,
            encoder_channels=encoder.config.output_channels,
            encoder_stride=encoder.config.stride(),
            ordered=config.pretext == "ordered",
        )
    )
    network = DistanceNetwork(encoder, classifier)
    if start is not None:
        own = network.state_dict()
        fitting = {name: t for name, t in start.tensors.items() if name in own and own[name].shape == t.shape}
        other = [name for name in own if name not in fitting and not name.startswith("classifier.")]
        if other:
            raise UserError(
                f"Expected an encoder of the published shape after --start-from, found {start.card.name!r},"
                f" whose {other[0]} differs; name another model."
            )
        network.load_state_dict(own | fitting)
    return network


def build_optimizer(network: nn.Module, config: DistanceConfig) -> torch.optim.Optimizer:
    """Optimiser of the settings, which decays kernels only."""
    groups = decaying_kernels(network, config.weight_decay)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=True)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.momentum, 0.999), fused=True)


def check_distance_config(config: DistanceConfig) -> None:
    """Refuse numbers out of range, by a UserError that names the flag."""
    check_settings_values(config)
    counts = ("batch_size", "epochs", "batches_per_epoch", "subset_batches")
    pairs = ("validation_pairs", "final_pairs", "matching_pairs")
    others = ("classes", "lag_step_hours", "learning_rate", "clip_norm")
    require_positive(config, (*counts, *pairs, *others))
    for name in ("patch_size", "latitude_limit"):
        if not getattr(config.data, name) > 0:
            raise UserError(
                f"Expected a positive --{name.replace('_', '-')}, found {getattr(config.data, name)}."
            )
    if config.classes < 2:
        raise UserError(f"Expected at least two --classes, found {config.classes}.")
    if not 2 <= config.times_per_place <= min(config.classes + 1, 2 * config.batch_size):
        raise UserError(
            f"Expected --times-per-place from 2 to {min(config.classes + 1, 2 * config.batch_size)} (lags"
            f" --classes, patches twice --batch-size), found {config.times_per_place}."
        )
    if config.start_from and config.pretext not in ("lag", "ordered"):
        raise UserError(
            f"Expected --pretext lag or ordered with --start-from, found {config.pretext}; leave --start-from out."
        )
    if not 0.0 <= config.ema_decay < 1.0:
        raise UserError(f"Expected --ema-decay from 0 to below 1, found {config.ema_decay:g}; try 0.999.")
    if config.early_stop_patience < 0:
        raise UserError(
            f"Expected --early-stop-patience of 0 or more epochs, found {config.early_stop_patience}; 0"
            " never stops early."
        )


def places_per_step(config: DistanceConfig, processes: int, times: int) -> int:
    """Places of a step such that about twice ``batch_size`` patches are encoded.

    The processes must share them evenly: their gradients would else count differently.
    """
    places = 2 * config.batch_size // times
    if places % processes:
        raise UserError(
            f"Expected places per step that {processes} processes share evenly, found {places} (twice"
            f" --batch-size {config.batch_size} patches, {times} at a place); change"
            " --batch-size."
        )
    return places


def check_precision(network: DistanceNetwork, hardware: Hardware) -> None:
    """Refuse small patches in bfloat16 on a CPU, which PyTorch computes wrongly.

    The weight gradient of a strided bfloat16 convolution over a single point then holds uninitialised memory
    (seen with torch 2.13, oneDNN 3.12); the classifier of small patches begins with one.
    """
    config = network.classifier.config
    if config.encoded_size == 1 and (hardware.device, hardware.precision) == ("cpu", "bfloat16"):
        raise UserError(
            f"Expected patches of more than {config.encoder_stride} points for bfloat16 on a CPU, found"
            f" --patch-size {config.patch_size}; choose a larger one or --precision float32."
        )
