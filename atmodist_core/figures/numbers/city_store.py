"""Files of values at cities among the shipped results, and which of them suits what the page shows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.results.city_file import describe_city_values

COMPUTED = "computed"
"""In place of the name of a file: compute the values instead of reading stored ones."""


@lru_cache(maxsize=64)
def _description(path: Path, _changed: int) -> dict[str, str]:
    """Attributes of a file, read once for each version of it."""
    return describe_city_values(path)


def stored_files() -> dict[str, dict[str, str]]:
    """Return the attributes of the shipped files of values at cities, by file name."""
    try:
        folder = asset_folder("results")
    except UserError:
        return {}
    found = {file.name: _description(file, file.stat().st_mtime_ns) for file in sorted(folder.glob("*.nc"))}
    return {name: attributes for name, attributes in found.items() if attributes}


def fitting_file(
    asked: str, data_set: str, levels: Collection[str], period: str, created: Mapping[str, str]
) -> Path | None:
    """Return the file of stored values to show; None if values are to be computed.

    ``asked`` is the name of a file, :data:`COMPUTED` for none, or empty for one of the same data set, levels and period
    whose models are the current versions (date by model in ``created``).
    """
    if asked == COMPUTED:
        return None
    files = stored_files()
    if asked in files:
        return asset_folder("results") / asked
    for name, attributes in files.items():
        same = attributes.get("data_set") == data_set and not period
        if same and attributes.get("level", "") in ("", *levels) and not outdated(attributes, created):
            return asset_folder("results") / name
    return None


def outdated(attributes: Mapping[str, str], created: Mapping[str, str]) -> list[str]:
    """Return the models of a file of which there is another version now."""
    try:
        versions = json.loads(attributes.get("versions", "{}"))
    except json.JSONDecodeError:
        return []
    return [name for name, saved in versions.items() if name in created and created[name] != saved]
