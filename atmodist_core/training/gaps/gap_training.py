"""Training of a network that fills gaps, from its settings to its model folder."""

import dataclasses
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import functional

from atmodist_core.common.errors import UserError
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.fields.gap_shapes import random_gaps
from atmodist_core.models.card import CARD_FILE, ModelCard
from atmodist_core.models.store import load_network, save_gap_filler
from atmodist_core.networks.gap_network import GapNetwork
from atmodist_core.training.configuration import GapConfig, require_positive, to_dict
from atmodist_core.training.data.held_out import prefixed
from atmodist_core.training.data.patches import random_generator
from atmodist_core.training.gaps.gap_losses import MEMBER_WEIGHTS, SINGLE_WEIGHTS, takes_encoder
from atmodist_core.training.gaps.gap_trainer import GapTrainer, gap_network_config
from atmodist_core.training.loop.training_run import Sources, save_trained_model, settings_without, train

__all__ = ["GapTrainer", "check_gap_config", "train_gaps"]

_ENCODER = ("content", "distance", "distance_layer", "random_encoder_seed")


def train_gaps(config: GapConfig, sources: Sources = None) -> Path | None:
    """Train (or resume) a network that fills gaps and save it; see :func:`~atmodist_core.training.loop.training_run.train`."""
    check_gap_config(config)
    card, start = _load_start(config)
    if takes_encoder(config) and config.content == "atmodist":
        load_network(config.distance)  # a wrong name fails before an hour of reading
    return train(
        config,
        sources,
        lambda data, hardware: GapTrainer(config, data.normalized(), hardware, start),
        lambda trainer: _save(trainer, card),
        normalization=card.normalization if card else None,
    )


def _load_start(config: GapConfig) -> tuple[ModelCard | None, dict[str, Tensor] | None]:
    """Card and weights of the network after ``--start-from``, deaf to the noise that it lacks."""
    if config.start_from is None:
        return None, None
    in_run = Path(config.start_from) / "model"
    card, network = load_network(in_run if (in_run / CARD_FILE).is_file() else config.start_from)
    wanted = gap_network_config(config)
    if not isinstance(network, GapNetwork):
        raise UserError(
            f"Expected a gap filler after --start-from, found the {card.kind} {card.name!r}; name one such as gaps-mse."
        )
    given = network.config
    fits = wanted == dataclasses.replace(
        given, noise_channels=wanted.noise_channels, filter_cutoff=wanted.filter_cutoff
    )
    if not fits or given.noise_channels > wanted.noise_channels or card.channels != config.data.channels:
        raise UserError(
            f"Expected after --start-from a network of {', '.join(config.data.channels)} with --filters {wanted.filters},"
            f" --dilations {' '.join(map(str, wanted.dilations))} and --noise-channels up to {wanted.noise_channels}, found"
            f" {card.name!r} with {given.filters}, {' '.join(map(str, given.dilations))} and {given.noise_channels}; change"
            " one to match."
        )
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    more = wanted.noise_channels - given.noise_channels
    tensors["head.weight"] = functional.pad(tensors["head.weight"], (0, 0, 0, 0, 0, more))
    return card, tensors


def _save(trainer: GapTrainer, start: ModelCard | None) -> Path:
    """Evaluate the network, and write the model folder with card and curves."""
    config = trainer.config
    settings = to_dict(config)
    several = config.members > 1
    names = MEMBER_WEIGHTS if several else SINGLE_WEIGHTS
    loss: dict[str, Any] = {setting: settings[setting] for setting in names.values()}
    if several:
        loss |= {"name": "ensemble", "patch_weight": 0.0}
        loss |= {name: settings[name] for name in ("members", "fair_share")}
    elif not config.content_weight:
        loss = {"content": "mse", "content_weight": config.mse_weight, "mse_weight": 0.0}
    weights = (*SINGLE_WEIGHTS.values(), *MEMBER_WEIGHTS.values(), "members", "fair_share")
    size, spacing = config.data.patch_size, trainer.data.training_fields.spacing_deg
    network = trainer.evaluated_network
    return save_trained_model(
        trainer,
        prefixed("held_out_", trainer.held_out_scores()),
        lambda folder, card: save_gap_filler(folder, network, card, config.run.export_type),
        kind="gap filler",
        loss=loss | trainer.about_encoder,
        schedule={
            **settings_without(
                config, "start_from", *_ENCODER, *weights, *dataclasses.asdict(network.config)
            ),
            "start_model": start.name if start else None,
            "start_model_created": start.created if start else None,
            "processes": trainer.fabric.world_size,
        },
        limits=(
            f"Trained on gaps in patches of {size} x {size} points of {spacing:g} degrees, centred within"
            f" {config.data.latitude_limit:g} degrees of the equator: {', '.join(config.gap_shapes)}. Wider gaps, other"
            " spacings, levels and sources are extrapolation."
        ),
    )


def check_gap_config(config: GapConfig) -> None:
    """Refuse numbers out of range, by a UserError that names the flag."""
    check_settings_values(config)
    counts = ("filters", "members", "batch_size", "epochs", "batches_per_epoch", "validation_patches")
    require_positive(
        config, (*counts, "learning_rate", "final_learning_rate", "held_out_members", "matching_pairs")
    )
    weights = (*SINGLE_WEIGHTS.values(), *MEMBER_WEIGHTS.values())
    for name in (*weights, "noise_channels", "clip_norm"):
        if getattr(config, name) < 0:
            raise UserError(
                f"Expected --{name.replace('_', '-')} of 0 or more, found {getattr(config, name):g}."
            )
    if not 0.0 <= config.ema_decay < 1.0:
        raise UserError(f"Expected --ema-decay from 0 to below 1, found {config.ema_decay:g}; try 0.995.")
    if not 0.0 <= config.fair_share <= 1.0:
        raise UserError(f"Expected --fair-share from 0 to 1, found {config.fair_share:g}; try 0.95.")
    if (config.members > 1) != (config.noise_channels > 0):
        raise UserError(
            f"Expected --members from 2 together with --noise-channels from 1, found {config.members} and"
            f" {config.noise_channels}; members differ by noise, and without them there is none: set both or neither."
        )
    used, unused = (SINGLE_WEIGHTS, MEMBER_WEIGHTS)[:: 1 if config.members == 1 else -1]
    for name in unused.values():
        if getattr(config, name):
            raise UserError(
                f"Expected no --{name.replace('_', '-')} with --members {config.members}, found {getattr(config, name):g}; set it to"
                f" 0 and give {' or '.join('--' + other.replace('_', '-') for other in used.values())}."
            )
    if not sum(getattr(config, name) for name in used.values()) > 0:
        raise UserError(
            f"Expected a positive {' or '.join('--' + name.replace('_', '-') for name in used.values())}, found all 0."
        )
    if config.data.patch_size < 8:
        raise UserError(f"Expected a --patch-size of 8 or more, found {config.data.patch_size}; try 64.")
    random_gaps(random_generator(0, 0, 0), 1, 8, config.gap_shapes)  # refuses unknown shapes
    gap_network_config(config)  # refuses what cannot be built
