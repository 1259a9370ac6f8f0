"""Captions that say what a figure rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atmodist_core import __version__
from atmodist_core.fields.canonical.channels import field_words


def caption_of(
    *,
    data: str,
    simulated: bool,
    level: str,
    when: str,
    region: str,
    field: str,
    cards: Sequence[Any],
    extra: str = "",
) -> str:
    """Return data, date, region, field and versions of the models as sentences; empty parts are left out.

    Simulated data are always named as such.

    Examples
    --------
    >>> caption_of(data="demo", simulated=True, level="", when="2001-01-05 00:00 UTC", region="Europe", field="vorticity", cards=[])
    'Data: demo (simulated). 2001-01-05 00:00 UTC; Europe; vorticity. AtmoDist Studio 0.1.0.'
    """
    source = f"Data: {data}{' (simulated)' if simulated and 'simulated' not in data else ''}{', ' + level if level else ''}."
    what = "; ".join(part for part in (when, region, field_words(field)) if part) + "."
    models = ", ".join(f"{card.name} ({str(card.created)[:10]}, code {card.code_version})" for card in cards)
    parts = [source, what, f"Models: {models}." if models else "", extra, f"AtmoDist Studio {__version__}."]
    return " ".join(part for part in parts if part)
