"""The content loss of a run: built from its settings, with the distance network where one is asked for."""

import torch
from torch import Tensor

from atmodist_core.errors import UserError
from atmodist_core.losses import AtmoDistLoss, ContentLoss, MeanSquaredErrorLoss
from atmodist_core.model_card import ModelCard
from atmodist_core.model_store import load_network
from atmodist_core.networks import DistanceNetwork
from atmodist_core.normalization import SignedLogNormalization
from atmodist_core.training.configuration import GanConfig


class RenormalizedLoss(ContentLoss):
    """A content loss whose network was trained under another normalisation than the generator.

    Parameters
    ----------
    loss
        Content loss on fields under ``wanted``.
    given, wanted
        Normalisation of the fields handed in, and that of the loss.
    """

    def __init__(
        self, loss: ContentLoss, given: SignedLogNormalization, wanted: SignedLogNormalization
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
    config: GanConfig, normalization: SignedLogNormalization, spacing_deg: float
) -> tuple[ContentLoss, dict[str, object]]:
    """The content loss of a run and what its card says about it.

    Parameters
    ----------
    config
        Settings.
    normalization
        Of the generator's fields.
    spacing_deg
        Grid spacing of the training data [degrees].

    Raises
    ------
    UserError
        The distance model does not exist, is none, has other channels, or has no scale for the layer.
    """
    if config.content == "mse":
        return MeanSquaredErrorLoss(), {"content": "mse"}
    card, network = load_network(config.distance)
    _check(card, config, spacing_deg)
    assert isinstance(network, DistanceNetwork)
    layer = network.encoder.config.check_layer(config.distance_layer)
    scale = card.distance_scale[layer]
    loss: ContentLoss = AtmoDistLoss(network.encoder, (layer,), (scale,))
    assert card.normalization is not None
    if card.normalization != normalization:
        loss = RenormalizedLoss(loss, normalization, card.normalization)
    about: dict[str, object] = {
        "content": "atmodist",
        "distance_model": card.name,
        "distance_model_created": card.created,
        "distance_layer": layer,
        "distance_scale": scale,
    }
    return loss, about


def _check(card: ModelCard, config: GanConfig, spacing_deg: float) -> None:
    if card.kind != "distance":
        raise UserError(
            f"Expected a distance model after --distance, found the {card.kind} {card.name!r}; name one such"
            " as atmodist-23."
        )
    if card.channels != config.data.channels:
        raise UserError(
            f"Expected a distance model of the channels {', '.join(config.data.channels)}, found"
            f" {card.name!r} for {', '.join(card.channels)}; choose another or set --channels."
        )
    if config.distance_layer not in card.distance_scale:
        raise UserError(
            f"Expected --distance-layer {', '.join(card.distance_scale)}, found {config.distance_layer!r}."
        )
    if card.grid_spacing_deg is not None and abs(card.grid_spacing_deg / spacing_deg - 1.0) > 0.01:
        raise UserError(
            f"Expected a distance model trained at the data's spacing of {spacing_deg:g} degrees, found"
            f" {card.name!r} for {card.grid_spacing_deg:g} degrees; train one with train/distance.py on these"
            " data."
        )
