"""What a model was trained with, in words."""

from __future__ import annotations

from atmodist_core.models.card import ModelCard

_TERMS = {
    "mse_weight": "MSE",
    "l1_weight": "mean absolute error",
    "spectrum_weight": "spectrum",
    "distribution_weight": "distribution",
    "adversarial_weight": "adversary",
}
"""Weights on a card -> what they weigh, in words."""

_ENCODERS = {
    "atmodist": "AtmoDist",
    "autoencoder": "features of",
    "random-encoder": "encoder of random weights",
}
"""Contents that compare features of an encoder, as the loss calls them."""


def loss_text(card: ModelCard) -> str:
    """Loss of a training, in words.

    Parameters
    ----------
    card : ModelCard
        Of any kind of model.

    Returns
    -------
    str
        As "1 × MSE + 0.03 × adversary"; the terms are those of the training commands.
    """
    loss = card.loss
    if card.kind == "distance":
        return (
            f"cross-entropy over {loss.get('classes', '?')} lags, {loss.get('lead_step_hours', '?'):g} h apart"
            if isinstance(loss.get("lead_step_hours"), int | float)
            else "cross-entropy over lags"
        )
    if card.kind == "autoencoder":
        return str(loss.get("name", "mean squared error of the reconstruction"))
    content = str(loss.get("content", "unknown"))
    if content in _ENCODERS:
        made_by = loss.get("distance_model") or f"seed {loss.get('encoder_seed', '?')}"
        content = f"{_ENCODERS[content]} ({made_by}, {loss.get('distance_layer', '?')})"
    content = _TERMS.get(f"{content}_weight", content)
    weights = {content: float(loss.get("content_weight", 1.0))}
    for key, name in _TERMS.items():
        if loss.get(key):
            weights[name] = weights.get(name, 0.0) + float(loss[key])
    return " + ".join(f"{weight:g} × {name}" for name, weight in weights.items())
