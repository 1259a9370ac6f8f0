"""Notes: what was changed or noticed on the way from a file to fields, kept with the fields."""

from __future__ import annotations

import xarray as xr


def add_note(dataset: xr.Dataset, sentence: str) -> None:
    """Append a sentence, once, to ``attrs["notes"]`` of a dataset, which holds one sentence a line."""
    sentence = sentence[:1].upper() + sentence[1:] + "." * (not sentence.endswith("."))
    notes = [line for line in str(dataset.attrs.get("notes", "")).split("\n") if line]
    if sentence not in notes:
        notes.append(sentence)
    dataset.attrs["notes"] = "\n".join(notes)
