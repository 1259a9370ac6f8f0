"""Data sets (the demo and the files of one folder) and methods (interpolations and trained models) to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atmodist_core.fields.grid.interpolation import KERNELS
from atmodist_core.figures.method_styles import KNOWN_DOWNSCALERS, method_style
from atmodist_core.figures.numbers.data_sets import stamp_of
from atmodist_core.models.card import CARD_FILE, TENSOR_FILE, installed_models


@dataclass(frozen=True)
class Method:
    """One way from the coarse to the fine field."""

    name: str  # what :func:`atmodist_core.load_downscaler` takes, and the name in the URL
    label: str  # name on the page
    family: str  # {"interpolation", "network"} Networks take time and have a preview; interpolations do not
    factor: int  # fine points per coarse point in each direction
    colour: str  # of its lines and marks, in both themes
    card: Any = None  # of a trained model
    stamp: str = ""  # changes when the files of its model change


def list_methods() -> tuple[list[Method], list[str]]:
    """Return the methods that can be compared, simplest first, and a sentence for each model that cannot be used."""
    problems: list[str] = []
    cards = [card for card in trusted_cards(problems) if card.kind == "downscaler"]
    if not cards:
        problems.append(
            "No trained model was found, so only interpolation is compared with the truth: train one with "
            "'atmodist gan', or name a folder of models in ATMODIST_MODELS."
        )
    methods = [Method(name, model_label(name), "interpolation", 4, _colour(name)) for name in KERNELS]
    for card in sorted(cards, key=lambda card: (method_order(card.name), card.name)):
        name = card.name
        label, colour, stamp = model_label(name), _colour(name), model_stamp(name)
        methods.append(Method(name, label, "network", card.factor, colour, card, stamp))
    return methods, problems


def trusted_cards(problems: list[str]) -> list[Any]:
    """Return the cards of the models found inside the folders of models; ``problems`` receives a sentence for each that is skipped."""
    cards = []
    for name, (folder, card) in installed_models(problems).items():
        files = (folder, folder / TENSOR_FILE, folder / CARD_FILE)
        if all(file.resolve().is_relative_to(folder.parent.resolve()) for file in files):
            cards.append(card)
        else:
            problems.append(
                f"The model {name!r} is a link that leads out of the folder of models, so it was skipped: copy it there."
            )
    return cards


def model_stamp(name: str) -> str:
    """Return a text that changes when the files of a model change; empty if the model is gone."""
    found = installed_models([]).get(name)
    return "" if found is None else stamp_of([found[0] / TENSOR_FILE, found[0] / CARD_FILE])


def model_folder(name: str) -> Path | None:
    """Return the folder of a model that may be used, or None."""
    trusted = {card.name for card in trusted_cards([])}
    found = installed_models([]).get(name)
    return found[0] if found is not None and name in trusted else None


_ORDER = (*KERNELS, *KNOWN_DOWNSCALERS)


def method_order(name: str) -> int:
    """Return the place of a method in lists: interpolations, then shipped models, simplest first, then others."""
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _colour(name: str) -> str:
    return str(method_style(name).colour)


def model_label(name: str) -> str:
    """Return the label of a method."""
    label = method_style(name).label
    return label[:1].upper() + label[1:] if name in _ORDER else label
