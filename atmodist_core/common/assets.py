"""Find the files that ship with the project."""

from __future__ import annotations

import os
from pathlib import Path

from atmodist_core.common.errors import UserError

_ROOT = Path(__file__).resolve().parents[2]


def asset_folder(name: str) -> Path:
    """Return the folder of shipped files: ``demo``, ``models``, ``geography`` or ``results``.

    It lies in the folder that the environment variable ``ATMODIST_ASSETS`` names, else in the installed wheel, else
    in the clone.
    """
    places = (_ROOT / "atmodist_studio" / "assets", _ROOT / "assets")
    named = os.environ.get("ATMODIST_ASSETS")
    root = Path(named) if named else next((place for place in places if place.is_dir()), places[0])
    folder = root / name
    if not folder.is_dir():
        raise UserError(
            f"Expected the shipped files at {folder}, found no such folder; install the project again, or set ATMODIST_ASSETS "
            "to the folder assets of a clone."
        )
    return folder
