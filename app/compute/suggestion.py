"""Which models a page shows at first: those that fit the open data best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.compute.catalogue import Method
from app.state.data_description import DataDescription
from atmodist_core.models.fit import ROLES, rank_models, role_of


class Suggestion(NamedTuple):
    """Names of methods, the best first, and why in a sentence; neither where the usual ones are shown."""

    names: list[str]
    reason: str


def suggested_methods(data: DataDescription, methods: Sequence[Method]) -> Suggestion:
    """Return the best-fitting model of each kind, then the interpolations, and why in a sentence.

    Nothing for simulated data, which the models shown by default were made for, and where no model fits.
    """
    cards = [method.card for method in methods if method.card is not None]
    if data.simulated or data.traits is None or not cards:
        return Suggestion([], "")
    ranked = rank_models(cards, data.traits)
    best = [next((card for card in ranked if role_of(card) == role), None) for role in ROLES]
    chosen = [card for card in best if card is not None]
    if not chosen:
        return Suggestion([], "")
    first = min(chosen, key=ranked.index)
    label = next(method.label for method in methods if method.name == first.name)
    names = [*(card.name for card in chosen), "bicubic", "bilinear"]
    return Suggestion(names, f"Preselected for these data: {label}. {first.fit}")
