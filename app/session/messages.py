"""Sentences for the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A sentence for the user; a newer one with the same key takes its place."""

    key: str  # what it is about
    kind: str  # {"error", "warning", "info"}
    text: str


def joined_warnings(warnings: Mapping[str, Sequence[str]]) -> str:
    """Sentences on the data by method, each told once: methods of which the same is said share it."""
    methods: dict[str, list[str]] = {}
    for name, sentences in warnings.items():
        for sentence in sentences:
            methods.setdefault(sentence.replace(name, "{}"), []).append(name)
    told = []
    for sentence, names in methods.items():
        if len(names) > 1:
            sentence = sentence.replace(" was trained on", " were trained on").replace(
                " its result", " their results"
            )
        told.append(sentence.replace("{}", " and ".join(names)))
    return " ".join(told)
