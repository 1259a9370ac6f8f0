"""The content loss of a run: built from its settings, with the encoder that it compares by."""

import dataclasses
from collections.abc import Collection

import torch
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.models.card import ModelCard
from atmodist_core.models.store import load_network
from atmodist_core.networks import Autoencoder, DistanceNetwork, Encoder
from atmodist_core.networks.losses.adjusted_mean_squared_error import AdjustedMeanSquaredErrorLoss
from atmodist_core.networks.losses.content import (
    CONTENT_LOSSES,
    AtmoDistLoss,
    ContentLoss,
    MeanAbsoluteErrorLoss,
)
from atmodist_core.networks.losses.ensemble_score import EnsembleLoss
from atmodist_core.networks.losses.fourier_amplitude_correlation import FourierAmplitudeCorrelationLoss
from atmodist_core.networks.losses.gram_matrices import GramLoss
from atmodist_core.networks.losses.grid_pattern import GridPatternLoss
from atmodist_core.networks.losses.sliced_wasserstein import SlicedWassersteinLoss
from atmodist_core.networks.losses.statistics import DistributionLoss, SpectrumLoss
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.configuration import DownscalingConfig, GanConfig
from atmodist_core.training.data.training_data import TrainingData
from atmodist_core.training.gan.encoder_scales import matched_scales, untrained_encoder

RIVALS = ("amse", "facl", "sliced-wasserstein", "gram")
"""Losses that compete with AtmoDist: as content, or as a further term by their weight."""

ENCODERS = ("atmodist", "autoencoder", "random-encoder")
"""Contents that compare by an encoder."""


class RenormalizedLoss(ContentLoss):
    """A content loss, or a score of members, whose network was trained under another normalisation (``wanted``)."""

    def __init__(
        self, loss: ContentLoss | EnsembleLoss, given: SignedLogNormalization, wanted: SignedLogNormalization
    ) -> None:
        super().__init__()
        self.loss, self.given, self.wanted = loss, given, wanted

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of both fields under the other normalisation."""
        return self.loss(self._convert(prediction), self._convert(target))

    def _convert(self, fields: Tensor) -> Tensor:
        """In float32 whatever the precision around it: physical fields keep their digits."""
        with torch.autocast(fields.device.type, enabled=False):
            return self.wanted.normalize(self.given.denormalize(fields.float()))


def build_content_loss(
    config: GanConfig,
    normalization: SignedLogNormalization,
    spacing_deg: float,
    data: TrainingData | None = None,
) -> tuple[ContentLoss, dict[str, object]]:
    """The content loss of a run and what its card says about it.

    An untrained encoder's scale is measured on ``data``. A UserError says when the encoder's model does not
    exist, is of another kind, has other channels, or has no scale for a layer.
    """
    if config.content in ("mse", "l1"):
        return CONTENT_LOSSES[config.content](), {"content": config.content}
    if config.content in RIVALS:
        loss, about = _rival(config.content, config, normalization, spacing_deg, data)
        return loss, about | {"content": config.content}
    loss, wanted, about = build_encoder_loss(config, normalization, spacing_deg, data)
    return (RenormalizedLoss(loss, normalization, wanted) if wanted else loss), about


def build_encoder_loss(
    config: DownscalingConfig,
    normalization: SignedLogNormalization,
    spacing_deg: float,
    data: TrainingData | None = None,
) -> tuple[AtmoDistLoss, SignedLogNormalization | None, dict[str, object]]:
    """The encoder of a run as a loss, its normalisation where that differs, and what the card says about it.

    Where ``config.content`` names no encoder, it is that of ``config.distance``.
    """
    if config.content not in ENCODERS:
        config = dataclasses.replace(config, content="atmodist")
    if config.content == "random-encoder":
        assert data is not None, "an untrained encoder's scale is measured on training data"
        encoder = untrained_encoder(len(config.data.channels), config.random_encoder_seed)
        encoder = encoder.to(data.training_fields.device)
        layers = _layers(config, encoder.config.layers, encoder.config.layers, "the untrained encoder")
        scales = matched_scales(
            encoder,
            data,
            layers,
            patch_size=config.data.patch_size,
            pairs=config.matching_pairs,
            seed=config.run.seed,
        )
        untrained = {"content": config.content, "encoder_seed": config.random_encoder_seed}
        loss = AtmoDistLoss(encoder, layers, tuple(scales.values()))
        return loss, None, untrained | _about_layers(scales)
    card, network = load_network(encoder_model(config))
    _check(card, config, spacing_deg)
    assert isinstance(network, (DistanceNetwork, Autoencoder, Encoder))
    encoder = network if isinstance(network, Encoder) else network.encoder
    layers = _layers(config, encoder.config.layers, card.distance_scale, repr(card.name))
    scales = {layer: card.distance_scale[layer] for layer in layers}
    loss = AtmoDistLoss(encoder, layers, tuple(scales.values()))
    assert card.normalization is not None
    # Where the scale follows the data, both normalisations bring fields to the same spread.
    same = card.normalization == normalization or config.amplitude == "coarse-field"
    wanted = None if same else card.normalization
    about: dict[str, object] = {
        "content": config.content,
        "distance_model": card.name,
        "distance_model_created": card.created,
    }
    if config.other_spacing:
        about["distance_model_spacing_deg"] = card.grid_spacing_deg
    return loss, wanted, about | _about_layers(scales)


def build_statistics_losses(
    config: DownscalingConfig, data: TrainingData
) -> tuple[dict[str, tuple[float, ContentLoss]], dict[str, object]]:
    """The further terms of the generator's loss that have a weight, by name; and what the card says of their encoder."""
    normalization = data.normalization
    about: dict[str, object] = {}
    terms: dict[str, tuple[float, ContentLoss]] = {
        "spectrum": (
            config.spectrum_weight,
            SpectrumLoss(normalization, config.factor, config.spectrum_floor),
        ),
        "pattern": (config.pattern_weight, GridPatternLoss(normalization, config.factor)),
    }
    if isinstance(config, GanConfig):
        terms = {"l1": (config.l1_weight, MeanAbsoluteErrorLoss())} | terms
        terms["distribution"] = (config.distribution_weight, DistributionLoss(normalization))
    for name in RIVALS:
        weight = getattr(config, f"{name.replace('-', '_')}_weight")
        if weight > 0:
            loss, found = _rival(name, config, normalization, data.training_fields.spacing_deg, data)
            terms[name.replace("-", "_")], about = (weight, loss), about | found
    return {name: term for name, term in terms.items() if term[0] > 0}, about


def _rival(
    name: str,
    config: DownscalingConfig,
    normalization: SignedLogNormalization,
    spacing_deg: float,
    data: TrainingData | None,
) -> tuple[ContentLoss, dict[str, object]]:
    """One of the losses that compete with AtmoDist, and what the card says of its encoder."""
    if name == "amse":
        return AdjustedMeanSquaredErrorLoss(), {}
    if name == "facl":
        return FourierAmplitudeCorrelationLoss(seed=config.run.seed), {}
    if name == "sliced-wasserstein":
        return SlicedWassersteinLoss(normalization, seed=config.run.seed), {}
    content, wanted, about = build_encoder_loss(config, normalization, spacing_deg, data)
    loss: ContentLoss = GramLoss(content)
    return (RenormalizedLoss(loss, normalization, wanted) if wanted else loss), about


def takes_encoder(config: DownscalingConfig) -> bool:
    """Whether a run compares by an encoder of a saved model."""
    by_content = isinstance(config, GanConfig) or getattr(config, "feature_weight", 0.0) > 0
    gram = config.gram_weight > 0 or config.content == "gram"
    saved = config.content != "random-encoder"
    return saved and (gram or (by_content and config.content in ENCODERS))


def encoder_model(config: DownscalingConfig) -> str:
    """Name or folder of the model whose encoder the content loss takes."""
    return config.autoencoder if config.content == "autoencoder" else config.distance


def _about_layers(scales: dict[str, float]) -> dict[str, object]:
    layers, values = list(scales), list(scales.values())
    single = len(layers) == 1
    return {
        "distance_layer": layers[0] if single else layers,
        "distance_scale": values[0] if single else values,
    }


def _layers(
    config: DownscalingConfig, known: Collection[str], scaled: Collection[str], model: str
) -> tuple[str, ...]:
    for layer in config.distance_layer:
        if layer not in known or layer not in scaled:
            raise UserError(
                f"Expected --distance-layer {', '.join(scaled)} for {model}, found {layer!r}; choose among these."
            )
    if not config.distance_layer:
        raise UserError("Expected at least one --distance-layer, found none; name one such as stage2.")
    return config.distance_layer


def _check(card: ModelCard, config: DownscalingConfig, spacing_deg: float) -> None:
    flag, kind = (
        ("--distance", "distance") if config.content == "atmodist" else ("--autoencoder", "autoencoder")
    )
    if card.kind != kind and not (kind == "distance" and card.kind == "encoder"):
        raise UserError(
            f"Expected a model of kind {kind!r} after {flag}, found the {card.kind} {card.name!r}; name one"
            f" such as {'atmodist-23' if kind == 'distance' else 'autoencoder'}."
        )
    if card.channels != config.data.channels:
        raise UserError(
            f"Expected a model of the channels {', '.join(config.data.channels)} after {flag}, found"
            f" {card.name!r} for {', '.join(card.channels)}; choose another or set --channels."
        )
    if config.other_spacing or card.grid_spacing_deg is None:
        return
    if abs(card.grid_spacing_deg / spacing_deg - 1.0) > 0.01:
        raise UserError(
            f"Expected a model trained at the data's spacing of {spacing_deg:g} degrees after {flag}, found"
            f" {card.name!r} for {card.grid_spacing_deg:g} degrees; train one with train/{kind}.py on these"
            " data, or take it as it is with --other-spacing."
        )
