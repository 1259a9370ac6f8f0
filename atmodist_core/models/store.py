"""Weights of models on disk: safetensors beside a card, checked against it, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.errors import UserError
from atmodist_core.common.tensor_files import DamagedFileError, read_tensors, save_tensors, tensor_shapes
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
from atmodist_core.networks.flow_network import FlowConfig, FlowNetwork
from atmodist_core.networks.gap_network import GapNetwork, GapNetworkConfig

WEIGHT_TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
"""How weights can lie on disk."""

_NETWORKS_OF_KIND = {
    "distance": {"encoder", "classifier"},
    "encoder": {"encoder"},
    "downscaler": {"generator"},
    "flow": {"mean", "generator", "flow"},
    "autoencoder": {"encoder", "decoder"},
    "gap filler": {"gap_network"},
}


def build_network(card: ModelCard) -> nn.Module:
    """Return the untrained network that a card describes: a DistanceNetwork, Encoder, Generator, FlowNetwork, GapNetwork or Autoencoder.

    A UserError says where the card's architecture does not fit itself, its channels or its factor.
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
    elif card.kind == "encoder":
        encoder = EncoderConfig.from_dict(card.architecture["encoder"])
        channels, factor = encoder.channels, 1
        network = Encoder(encoder)
    elif card.kind == "flow":
        mean, generator = (
            GeneratorConfig.from_dict(card.architecture[name]) for name in ("mean", "generator")
        )
        channels, factor = generator.channels, generator.factor
        flow = FlowConfig.from_dict(card.architecture["flow"])
        network = FlowNetwork(Generator(mean), Generator(generator), flow)
    elif card.kind == "gap filler":
        gaps = GapNetworkConfig.from_dict(card.architecture["gap_network"])
        channels, factor = gaps.channels, 1
        network = GapNetwork(gaps)
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
    """Save a distance network as :func:`save_model` does, its architecture and parameter count on the card."""
    architecture = {
        "encoder": network.encoder.config.to_dict(),
        "classifier": network.classifier.config.to_dict(),
    }
    return _save_network(folder, network, card, architecture, weight_type)


def save_downscaler(
    folder: str | Path, generator: Generator, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save a generator as :func:`save_model` does, its architecture and parameter count on the card."""
    architecture = {"generator": generator.config.to_dict()}
    return _save_network(folder, generator, card, architecture, weight_type)


def save_encoder(
    folder: str | Path, encoder: Encoder, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save an encoder as :func:`save_model` does, its architecture and parameter count on the card."""
    return _save_network(folder, encoder, card, {"encoder": encoder.config.to_dict()}, weight_type)


def save_flow(
    folder: str | Path, network: FlowNetwork, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save a flow as :func:`save_model` does, its architecture and parameter count on the card."""
    architecture = {
        "mean": network.mean.config.to_dict(),
        "generator": network.generator.config.to_dict(),
        "flow": network.config.to_dict(),
    }
    return _save_network(folder, network, card, architecture, weight_type)


def save_gap_filler(
    folder: str | Path, network: GapNetwork, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save a gap network as :func:`save_model` does, its architecture and parameter count on the card."""
    return _save_network(folder, network, card, {"gap_network": network.config.to_dict()}, weight_type)


def save_autoencoder(
    folder: str | Path, network: Autoencoder, card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
    """Save an autoencoder as :func:`save_model` does, its architecture and parameter count on the card."""
    architecture = {"encoder": network.encoder.config.to_dict(), "decoder": network.decoder.config.to_dict()}
    return _save_network(folder, network, card, architecture, weight_type)


def _save_network(
    folder: str | Path, network: nn.Module, card: ModelCard, architecture: dict, weight_type: str
) -> ModelCard:
    card = dataclasses.replace(card, architecture=architecture, parameters=parameter_count(network))
    return save_model(folder, network.state_dict(), card, weight_type)


def save_model(
    folder: str | Path, tensors: Mapping[str, Tensor], card: ModelCard, weight_type: str = "float32"
) -> ModelCard:
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
    ModelCard
        The card with the checksum of the weights.

    Raises
    ------
    UserError
        When tensors and card do not belong together, or a weight is not finite.
    """
    _check_shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()}, card, str(folder))
    if weight_type not in WEIGHT_TYPES:
        raise UserError(
            f"Expected weights to be saved as {', '.join(WEIGHT_TYPES)}, found {weight_type!r}: choose one."
        )
    tensors = {name: _narrowed(tensor, WEIGHT_TYPES[weight_type]) for name, tensor in tensors.items()}
    broken = _not_finite(tensors)
    if broken:
        raise UserError(
            f"Expected finite weights to save as {card.name!r}, found NaN or infinity in {broken!r}: "
            "training diverged, so lower the learning rate or go back to an earlier checkpoint."
        )
    card.to_json()  # refuses what JSON cannot hold before anything is written
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Both files are complete before the first of them, the weights, is replaced.
    with replacing(folder / CARD_FILE) as description, replacing(folder / TENSOR_FILE) as weights:
        save_tensors(weights, tensors, {"format": "pt", "created": card.created, "name": card.name})
        card = dataclasses.replace(card, weights_sha256=file_sha256(weights))
        description.write_text(card.to_json(), encoding="utf-8")
    return card


def save_card(folder: str | Path, card: ModelCard) -> None:
    """Replace the card of a saved model, e.g. to add scores; its ``created`` must stay as it was."""
    folder = Path(folder)
    saved = read_card(folder)
    if saved.created != card.created:
        raise UserError(
            f"Expected a card created at {saved.created} for the weights in {folder}, found {card.created}: "
            "change a copy of the card that was read, or save the model as a whole."
        )
    card = dataclasses.replace(card, weights_sha256=saved.weights_sha256)
    with replacing(folder / CARD_FILE) as description:
        description.write_text(card.to_json(), encoding="utf-8")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_model_tensors(name_or_path: str | Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Read a model's card and weights (name or folder), and check that they belong together.

    The weights are a state dictionary on the CPU; half precision is widened to float32. A model that is
    absent, damaged or of another architecture is a UserError.
    """
    folder = find_model(name_or_path)
    card = read_card(folder)
    path = folder / TENSOR_FILE
    if not path.is_file():
        raise UserError(
            f"Expected {TENSOR_FILE} beside {CARD_FILE} in {folder}, found none: give the folder that "
            "training wrote."
        )
    try:
        # The header first: no more is read into memory than the architecture has.
        _check_shapes(tensor_shapes(path), card, str(path))
        tensors, metadata = read_tensors(path)
    except DamagedFileError as error:
        raise UserError(
            f"Expected {path} to be an intact safetensors file, found an error ({error}): restore it or save the "
            "model again."
        ) from error
    if metadata.get("created", card.created) != card.created:
        raise UserError(
            f"Expected weights and card in {folder} from one saving, found weights of {metadata['created']} "
            f"and a card of {card.created}: save the model again."
        )
    if card.weights_sha256 and file_sha256(path) != card.weights_sha256:
        raise UserError(
            f"Expected in {path} the weights that the card describes, found other bytes (SHA-256): the file is "
            "damaged or belongs to another card, so copy the model again."
        )
    broken = _not_finite(tensors)
    if broken:
        raise UserError(
            f"Expected finite weights in {path}, found NaN or infinity in {broken!r}: the file is damaged, so copy "
            "the model again."
        )
    return card, {name: _widened(tensor) for name, tensor in tensors.items()}


def load_network(name_or_path: str | Path) -> tuple[ModelCard, nn.Module]:
    """Return a model's card and its network with the trained weights, in evaluation mode on the CPU."""
    card, tensors = load_model_tensors(name_or_path)
    with torch.device("meta"):
        network = build_network(card)
    network.load_state_dict(tensors, assign=True)
    return card, network.requires_grad_(False).eval()


def _not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Name of the first tensor with NaN or infinity, if any."""
    return next((n for n, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()), None)


def _narrowed(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor


def _widened(tensor: Tensor) -> Tensor:
    # A copy always: a tensor of the file starts where the file has it, and last bits of products can depend on that. On AMD's processors a
    # network that was loaded would give others than the one that was saved.
    return tensor.to(torch.float32 if tensor.is_floating_point() else tensor.dtype, copy=True)


def _check_shapes(shapes: Mapping[str, tuple[int, ...]], card: ModelCard, where: str) -> None:
    """Refuse tensors whose names or shapes are not those of the card's architecture."""
    # On the meta device the network costs neither memory nor random numbers.
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in build_network(card).state_dict().items()}
    missing = [name for name in wanted if name not in shapes]
    unknown = [name for name in shapes if name not in wanted]
    found = f"{missing[0]!r} missing" if missing else f"the unknown {unknown[0]!r}" if unknown else ""
    for name in wanted if not found else ():
        if wanted[name] != shapes[name]:
            found = f"{name!r} of shape {shapes[name]} instead of {wanted[name]}"
            break
    if found:
        raise UserError(
            f"Expected in {where} the {len(wanted)} tensors of the architecture of {card.name!r}, found "
            f"{found}: weights and card do not belong together."
        )
