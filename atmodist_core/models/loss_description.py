"""The loss of a training as text."""

from __future__ import annotations

from atmodist_core.models.card import ModelCard

_TERMS = {
    "mse_weight": "MSE",
    "l1_weight": "mean absolute error",
    "spectrum_weight": "spectrum",
    "distribution_weight": "distribution",
    "pattern_weight": "grid pattern",
    "amse_weight": "AMSE",
    "facl_weight": "FACL",
    "sliced_wasserstein_weight": "sliced Wasserstein",
    "gram_weight": "Gram matrices",
    "adversarial_weight": "adversary",
}
"""Weights on a card -> names of the terms."""

_ENCODERS = {
    "atmodist": "AtmoDist",
    "autoencoder": "features of",
    "random-encoder": "encoder of random weights",
}
"""Content losses that compare features of an encoder."""


def loss_text(card: ModelCard) -> str:
    """Return the loss of a model's training, such as "1 × MSE + 0.03 × adversary"."""
    loss = card.loss
    if card.kind == "distance":
        step = loss.get("lag_step_hours", loss.get("lead_step_hours"))
        if not isinstance(step, int | float):
            return "cross-entropy over lags"
        ordered = "ordered " if loss.get("ordered") else ""
        return f"cross-entropy over {loss.get('classes', '?')} {ordered}lags, {step:g} h apart"
    if card.kind == "autoencoder":
        return str(loss.get("name", "mean squared error of the reconstruction"))
    if loss.get("name") == "flow matching":
        return f"flow matching, residual of {loss.get('mean_model', '?')}"
    if card.kind == "encoder":
        return str(loss.get("name", "unknown"))
    content = str(loss.get("content", "unknown"))
    if content in _ENCODERS:
        made_by = loss.get("distance_model") or f"seed {loss.get('encoder_seed', '?')}"
        content = f"{_ENCODERS[content]} ({made_by}, {loss.get('distance_layer', '?')})"
    content = _TERMS.get(f"{content.replace('-', '_')}_weight", content)
    weights = {content: float(loss.get("content_weight", 1.0))}
    if loss.get("name") == "ensemble":
        scores = {"CRPS": "crps_weight", "energy score of patches": "patch_weight"}
        scores[f"energy score of {content}"] = "feature_weight"
        weights = {name: float(loss[key]) for name, key in scores.items() if loss[key]}
    for key, name in _TERMS.items():
        if loss.get(key):
            weights[name] = weights.get(name, 0.0) + float(loss[key])
    return " + ".join(f"{weight:g} × {name}" for name, weight in weights.items())
