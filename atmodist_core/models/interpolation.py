"""The card of an interpolation, which is compared with networks as one of them."""

from __future__ import annotations

from atmodist_core.models.card import ModelCard

_LIMITS = "Adds no detail beyond the coarse grid; its small scales are too weak."


def interpolation_card(name: str, factor: int, limits: str = _LIMITS) -> ModelCard:
    """Return the card of an interpolation."""
    return ModelCard(
        name=name,
        kind="interpolation",
        architecture={},
        channels=(),
        normalization=None,
        grid_spacing_deg=None,
        factor=factor,
        created="",
        data="none: it is not trained",
        limits=limits,
        notes=f"{name.capitalize()} interpolation of the physical fields{', cell centres kept' if factor > 1 else ''}.",
    )
