"""Weights of models on disk: safetensors beside a card, checked against it, and nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from atmodist_core.common.errors import UserError
from atmodist_core.models.card import CARD_FILE, TENSOR_FILE, ModelCard, find_model, read_card
from atmodist_core.networks import (
    Autoencoder,
    Decoder,
    DecoderConfig,
    DistanceNetwork,
    Encoder,
    EncoderConfig,
    Generator,
    GeneratorConfig,
    LagClassifier,
    LagClassifierConfig,
    parameter_count,
)

WEIGHT_TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
"""How weights can lie on disk."""

_NETWORKS_OF_KIND = {
    "distance": {"encoder", "classifier"},
    "downscaler": {"generator"},
    "autoencoder": {"encoder", "decoder"},
}


def build_network(card: ModelCard) -> nn.Module:
    """Return the untrained network that a card describes: a DistanceNetwork, Generator or Autoencoder.

    Raises
    ------
    UserError
        When the card's architecture lacks a network, names an unknown one or key, or disagrees with its
        channels or factor.
    """
    wanted = _NETWORKS_OF_KIND.get(card.kind, set())
    if not wanted or set(card.architecture) != wanted:
        raise UserError(
            f"Expected the architecture of the {card.kind} {card.name!r} to hold "
            f"{' and '.join(sorted(wanted)) or 'none'}, "
            f"found {', '.join(card.architecture) or 'nothing'}: correct the card."
        )
    network: nn.Module
    if card.kind == "distance":
        encoder = EncoderConfig.from_dict(card.architecture["encoder"])
        classifier = LagClassifierConfig.from_dict(card.architecture["classifier"])
        channels, factor = encoder.channels, 1
        network = DistanceNetwork(Encoder(encoder), LagClassifier(classifier))
    elif card.kind == "autoencoder":
        encoder = EncoderConfig.from_dict(card.architecture["encoder"])
        decoder = DecoderConfig.from_dict(card.architecture["decoder"])
        channels, factor = encoder.channels, 1
        network = Autoencoder(Encoder(encoder), Decoder(decoder))
    else:
        generator = GeneratorConfig.from_dict(card.architecture["generator"])
        channels, factor = generator.channels, generator.factor
        network = Generator(generator)
    if (channels, factor) != (len(card.channels), card.factor):
        raise UserError(
            f"Expected an architecture for the {len(card.channels)} channels and the factor {card.factor} "
            "of the card "
            f"{card.name!r}, found one for {channels} channels and factor {factor}: correct the card."
        )
    return network


def save_distance(
    folder: str | Path, network: DistanceNetwork, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save a distance network; the card's architecture and parameter count are taken from the network.

    See :func:`save_model`.
    """
    architecture = {
        "encoder": network.encoder.config.to_dict(),
        "classifier": network.classifier.config.to_dict(),
    }
    return _save_network(folder, network, card, architecture, weight_type)


def save_downscaler(
    folder: str | Path, generator: Generator, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save a generator; the card's architecture and parameter count are taken from it.

    See :func:`save_model`.
    """
    architecture = {"generator": generator.config.to_dict()}
    return _save_network(folder, generator, card, architecture, weight_type)


def save_autoencoder(
    folder: str | Path, network: Autoencoder, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save an autoencoder; the card's architecture and parameter count are taken from the network.

    See :func:`save_model`.
    """
    architecture = {"encoder": network.encoder.config.to_dict(), "decoder": network.decoder.config.to_dict()}
    return _save_network(folder, network, card, architecture, weight_type)


def _save_network(
    folder: str | Path, network: nn.Module, card: ModelCard, architecture: dict, weight_type: str
) -> ModelCard:
    card = dataclasses.replace(card, architecture=architecture, parameters=parameter_count(network))
    save_model(folder, network.state_dict(), card, weight_type)
    return card


def save_model(
    folder: str | Path, tensors: Mapping[str, Tensor], card: ModelCard, weight_type: str = "float32"
) -> Path:
    """Write ``model.safetensors`` and ``card.json`` into a folder, each completely or not at all.

    Both files are written under temporary names first and renamed at the end. The card's time of creation
    is written into the weights as well, so that a pair torn apart by a kill between the two renames is
    noticed on loading.

    Parameters
    ----------
    folder : path
        Made when absent; files of an earlier model in it are replaced.
    tensors : mapping of str to Tensor
        State dictionary of the network that the card describes.
    card : ModelCard
        Its card.
    weight_type : {"float32", "float16", "bfloat16"}
        Of the numbers on disk; half precision halves the file, and loading widens them to float32 again.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    UserError
        When tensors and card do not belong together, or a weight is not finite.
    """
    _check_tensors(tensors, card, str(folder))
    if weight_type not in WEIGHT_TYPES:
        raise UserError(
            f"Expected weights to be saved as {', '.join(WEIGHT_TYPES)}, found {weight_type!r}: choose one."
        )
    tensors = {name: _narrowed(tensor, WEIGHT_TYPES[weight_type]) for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise UserError(
                f"Expected finite weights to save as {card.name!r}, found NaN or infinity in {name!r}: "
                "training diverged, so lower the learning rate or go back to an earlier checkpoint."
            )
    text = card.to_json()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with _temporary(folder, TENSOR_FILE) as weights, _temporary(folder, CARD_FILE) as description:
        save_file(plain, weights, metadata={"format": "pt", "created": card.created, "name": card.name})
        os.chmod(weights, 0o644)  # safetensors makes files that only their owner can read
        _flush_to_disk(weights)
        description.write_text(text, encoding="utf-8")
        _flush_to_disk(description)
        os.replace(weights, folder / TENSOR_FILE)
        os.replace(description, folder / CARD_FILE)
    return folder


def save_card(folder: str | Path, card: ModelCard) -> None:
    """Replace the card of a saved model, e.g. to add scores; its ``created`` must stay as it was.

    Raises
    ------
    UserError
        When the new card says another time of creation than the one on disk.
    """
    folder = Path(folder)
    saved = read_card(folder)
    if saved.created != card.created:
        raise UserError(
            f"Expected a card created at {saved.created} for the weights in {folder}, found {card.created}: "
            "change a copy of the card that was read, or save the model as a whole."
        )
    with _temporary(folder, CARD_FILE) as description:
        description.write_text(card.to_json(), encoding="utf-8")
        _flush_to_disk(description)
        os.replace(description, folder / CARD_FILE)


@contextlib.contextmanager
def _temporary(folder: Path, name: str) -> Any:
    """Yield the path of a new file beside the final one, removed again if it was not renamed."""
    handle, path = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
    os.close(handle)
    # mkstemp makes files that only their owner can read; models are shared.
    os.chmod(path, 0o644)
    try:
        yield Path(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _flush_to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def load_model_tensors(name_or_path: str | Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Read a model's card and weights, and check that they belong together.

    Parameters
    ----------
    name_or_path : str or path
        Name or folder, as for :func:`~atmodist_core.models.card.find_model`.

    Returns
    -------
    card : ModelCard
        The card.
    tensors : dict of str to Tensor
        State dictionary on the CPU; half-precision weights are widened to float32.

    Raises
    ------
    UserError
        When there is no such model, a file is broken, or the weights are not those of the card's
        architecture.
    """
    folder = find_model(name_or_path)
    card = read_card(folder)
    path = folder / TENSOR_FILE
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError:
        raise UserError(
            f"Expected {TENSOR_FILE} beside {CARD_FILE} in {folder}, found none: give the folder that "
            "training wrote."
        ) from None
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"Expected {path} to be a safetensors file, found an error ({error}): restore it or save the "
            "model again."
        ) from error
    if metadata.get("created", card.created) != card.created:
        raise UserError(
            f"Expected weights and card in {folder} from one saving, found weights of {metadata['created']} "
            "and a card "
            f"of {card.created}: save the model again."
        )
    _check_tensors(tensors, card, str(path))
    return card, {name: _widened(tensor) for name, tensor in tensors.items()}


def load_network(name_or_path: str | Path) -> tuple[ModelCard, nn.Module]:
    """Return a model's card and its network with the trained weights, in evaluation mode on the CPU."""
    card, tensors = load_model_tensors(name_or_path)
    with torch.device("meta"):
        network = build_network(card)
    network.load_state_dict(tensors, assign=True)
    return card, network.requires_grad_(False).eval()


def _narrowed(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor


def _widened(tensor: Tensor) -> Tensor:
    # A copy always: a tensor of the file starts where the file has it, and last bits of products can depend on that. On AMD's processors a
    # network that was loaded would give others than the one that was saved.
    return tensor.to(torch.float32 if tensor.is_floating_point() else tensor.dtype, copy=True)


def _check_tensors(tensors: Mapping[str, Tensor], card: ModelCard, where: str) -> None:
    """Refuse tensors whose names or shapes are not those of the card's architecture."""
    # On the meta device the network costs neither memory nor random numbers.
    with torch.device("meta"):
        wanted = build_network(card).state_dict()
    missing = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    found = f"{missing[0]!r} missing" if missing else f"the unknown {unknown[0]!r}" if unknown else ""
    for name in wanted if not found else ():
        if wanted[name].shape != tensors[name].shape:
            found = f"{name!r} of shape {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}"
            break
    if found:
        raise UserError(
            f"Expected in {where} the {len(wanted)} tensors of the architecture of {card.name!r}, found "
            f"{found}: "
            "weights and card do not belong together."
        )
