"""What a run of :mod:`atmodist_core.training.gan_training` checks and reads before it starts."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from atmodist_core.errors import UserError
from atmodist_core.model_card import CARD_FILE, ModelCard
from atmodist_core.model_store import load_network
from atmodist_core.networks import Generator, GeneratorConfig
from atmodist_core.training.configuration import GanConfig


@dataclass(frozen=True)
class StartModel:
    """A trained generator that a run starts from."""

    card: ModelCard
    tensors: dict[str, Tensor]


def load_start(config: GanConfig, wanted: GeneratorConfig) -> StartModel:
    """Read the generator after ``--start-from``.

    Raises
    ------
    UserError
        It does not exist, is no generator, or has another architecture or other channels.
    """
    name = str(config.start_from)
    in_run = Path(name) / "model"
    card, network = load_network(in_run if (in_run / CARD_FILE).is_file() else name)
    if not isinstance(network, Generator):
        raise UserError(
            f"Expected a generator after --start-from, found the {card.kind} model {card.name!r}; name one"
            " such as sr-4x-mse."
        )
    if network.config != wanted or card.channels != config.data.channels:
        raise UserError(
            f"Expected a generator of {wanted.blocks} blocks, {wanted.filters} filters, factor"
            f" {wanted.factor} and the channels {', '.join(config.data.channels)} after --start-from, found"
            f" {card.name!r} of {network.config.blocks} blocks, {network.config.filters} filters, factor"
            f" {network.config.factor} and {', '.join(card.channels)}; change one to match."
        )
    return StartModel(card, {k: v.clone() for k, v in network.state_dict().items()})


def check_gan_config(config: GanConfig) -> None:
    """Refuse numbers out of range.

    Raises
    ------
    UserError
        Naming the flag.
    """
    counts = ("factor", "residual_blocks", "filters", "batch_size", "batches_per_epoch", "validation_patches")
    for name in (*counts, "learning_rate", "final_learning_rate", "pretraining_learning_rate"):
        if not getattr(config, name) > 0:
            raise UserError(
                f"Expected a positive --{name.replace('_', '-')}, found {getattr(config, name)}; give one"
                " above zero."
            )
    for name in (
        "content_weight",
        "mse_weight",
        "adversarial_weight",
        "epochs",
        "final_epochs",
        "pretraining_epochs",
    ):
        if getattr(config, name) < 0:
            raise UserError(
                f"Expected --{name.replace('_', '-')} of 0 or more, found {getattr(config, name)}."
            )
    if config.content_weight + config.mse_weight <= 0 and config.epochs + config.final_epochs > 0:
        raise UserError(
            "Expected a positive --content-weight or --mse-weight, found both 0; the adversary alone invents"
            " weather."
        )
    if config.factor < 2 or config.factor & (config.factor - 1):
        raise UserError(f"Expected a --factor that is a power of two (2, 4, 8 ...), found {config.factor}.")
    if config.data.patch_size <= 0 or config.data.patch_size % config.factor:
        raise UserError(
            f"Expected a --patch-size that --factor {config.factor} divides, found {config.data.patch_size}; "
            f"choose {max(1, config.data.patch_size // config.factor) * config.factor}."
        )
    pretraining = 0 if config.start_from else config.pretraining_epochs
    if pretraining + config.epochs + config.final_epochs == 0:
        raise UserError(
            "Expected at least one epoch in --pretraining-epochs, --epochs and --final-epochs, found none."
        )
