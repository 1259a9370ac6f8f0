"""Data sets (the demo and the files of one folder) and methods (interpolations and trained models) to choose from."""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from app.state.choices import MEAN
from atmodist_core.fields.grid.interpolation import KERNELS
from atmodist_core.figures.method_styles import KNOWN_DOWNSCALERS, method_style
from atmodist_core.figures.numbers.data_sets import stamp_of
from atmodist_core.inference.downscaler import DEFAULT_FACTOR
from atmodist_core.models.applicability import draws_members
from atmodist_core.models.card import CARD_FILE, TENSOR_FILE, installed_models

REFRESH_S = 3.0
"""Shortest time after which the folders are searched again [s]."""
COST_SHARE = 0.02
"""Largest share of one core that the searches of a process take, for any number of files and tabs."""

T = TypeVar("T")


class RecentSearch(Generic[T]):
    """The latest result of a search in folders, for all sessions of a process.

    A result that equals the one before is the same object, so that callers need not compare it.
    """

    def __init__(self, search: Callable[[], T], same: Callable[[T, T], bool] = operator.eq) -> None:
        self._search = search
        self._same = same
        self._found: list[T] = []
        self._due = 0.0
        self._searching = threading.Lock()

    def get(self) -> T:
        """Return the result, after a new search if it is old; while another thread searches, the old one is returned.

        An error of the search is raised, and the next call searches again.
        """
        if self._found and time.monotonic() < self._due:
            return self._found[0]
        if not self._searching.acquire(blocking=not self._found):
            return self._found[0]
        try:
            if not self._found or time.monotonic() >= self._due:
                begun = time.monotonic()
                try:
                    found = self._search()
                except Exception:
                    self._found.clear()
                    raise
                if not self._found or not self._same(self._found[0], found):
                    self._found[:] = [found]
                now = time.monotonic()
                self._due = now + max(REFRESH_S, (now - begun) / COST_SHARE)
            return self._found[0]
        finally:
            self._searching.release()

    def expire(self) -> None:
        """Search again at the next call."""
        self._due = 0.0


def same_text(new: Any, old: Any) -> bool:
    """Return whether two results look the same: cards of models hold arrays, which have no single equality."""
    return repr(new) == repr(old)


@dataclass(frozen=True)
class Draw:
    """What an ensemble model shows where one field is expected: one of its members, or the mean of several."""

    seed: int = 0
    members: tuple[int, ...] = (0,)

    @property
    def words(self) -> str:
        """What is shown."""
        return "one member" if len(self.members) == 1 else f"mean of {len(self.members)} members"


@dataclass(frozen=True)
class Method:
    """One way from the coarse to the fine field."""

    name: str  # what :func:`atmodist_core.load_downscaler` takes, and the name in the URL
    label: str  # name on the page
    family: str  # {"interpolation", "network"} Networks take time and have a preview; interpolations do not
    factor: int  # fine points per coarse point in each direction
    colour: str  # of its lines and marks, in both themes
    card: Any = None  # of a trained model
    stamp: str = ""  # changes when the files of its model change, or the members that are drawn
    draw: Draw | None = None  # of an ensemble model
    files_stamp: str = ""  # of the files alone, where members are drawn

    def drawing(self, draw: Draw) -> Method:
        """Return an ensemble model that shows other members; another model is returned as it is."""
        if self.card is None or not draws_members(self.card):
            return self
        files = self.files_stamp or self.stamp
        return replace(self, draw=draw, files_stamp=files, stamp=f"{files} {draw.seed} {draw.members}")


def draw_of(draw: str, members: str, seed: int) -> Draw:
    """Return the draw of the choices of the state: the number of a member, counted from 1, or the mean of the members."""
    return Draw(seed, tuple(range(int(members))) if draw == MEAN else (int(draw) - 1,))


def factors_of(methods: list[Method]) -> list[int]:
    """Return the factors of the trained models, and that of the demo's."""
    return sorted({DEFAULT_FACTOR, *(method.factor for method in methods if method.card is not None)})


def methods_for(methods: list[Method], factor: int, draw: Draw) -> list[Method]:
    """Return the interpolations and the models of one factor; ensemble models show the members of ``draw`` and say so."""
    chosen = []
    for method in methods:
        if method.card is None:
            chosen.append(replace(method, factor=factor))
        elif method.factor == factor:
            drawn = method.drawing(draw)
            label = drawn.label if drawn.draw is None else f"{drawn.label}, {draw.words}"
            chosen.append(replace(drawn, label=label))
    return chosen


def list_methods() -> tuple[list[Method], list[str]]:
    """Return the methods that can be compared, simplest first, and a sentence for each model that cannot be used."""
    problems: list[str] = []
    found = [(folder, card) for folder, card in _trusted_models(problems) if card.downscales]
    if not found:
        problems.append(
            "No trained model was found, so only interpolation is compared with the truth: train one with "
            "'atmodist gan', or name a folder of models in ATMODIST_MODELS."
        )
    methods = [
        Method(name, model_label(name), "interpolation", DEFAULT_FACTOR, _colour(name)) for name in KERNELS
    ]
    for folder, card in sorted(found, key=lambda one: (method_order(one[1].name), one[1].name)):
        name = card.name
        label, colour, stamp = model_label(name), _colour(name), _stamp_in(folder)
        methods.append(Method(name, label, "network", card.factor, colour, card, stamp))
    return methods, problems


def trusted_cards(problems: list[str]) -> list[Any]:
    """Return the cards of the models found inside the folders of models; ``problems`` receives a sentence for each that is skipped."""
    return [card for _, card in _trusted_models(problems)]


def model_stamps() -> list[str]:
    """Return the names of the models found, each with the stamp of its files."""
    return [f"{card.name} {_stamp_in(folder)}" for folder, card in _trusted_models([])]


def model_stamp(name: str) -> str:
    """Return a text that changes when the files of a model change; empty if the model is gone."""
    found = installed_models([]).get(name)
    return "" if found is None else _stamp_in(found[0])


def model_folder(name: str) -> Path | None:
    """Return the folder of a model that may be used, or None."""
    return next((folder for folder, card in _trusted_models([]) if card.name == name), None)


def _trusted_models(problems: list[str]) -> list[tuple[Path, Any]]:
    """Folders and cards of the models whose files lie inside the folders of models."""
    found = []
    for name, (folder, card) in installed_models(problems).items():
        files = (folder, folder / TENSOR_FILE, folder / CARD_FILE)
        if all(file.resolve().is_relative_to(folder.parent.resolve()) for file in files):
            found.append((folder, card))
        else:
            problems.append(
                f"The model {name!r} is a link that leads out of the folder of models, so it was skipped: copy it there."
            )
    return found


def _stamp_in(folder: Path) -> str:
    return stamp_of([folder / TENSOR_FILE, folder / CARD_FILE])


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
