"""Where the files that ship with the project lie."""

from __future__ import annotations

import os
from pathlib import Path

from atmodist_core.common.errors import UserError


def asset_folder(name: str) -> Path:
    """Folder of shipped files: ``demo``, ``models``, ``geography`` or ``results``.

    Looked up beside the package, or in the folder named by the environment variable ``ATMODIST_ASSETS``.

    Raises
    ------
    UserError
        Where the folder does not exist.
    """
    root = Path(os.environ.get("ATMODIST_ASSETS") or Path(__file__).resolve().parents[2] / "assets")
    folder = root / name
    if not folder.is_dir():
        raise UserError(
            f"Expected the shipped files at {folder}, found no such folder; run from a clone of the project "
            "or set "
            "ATMODIST_ASSETS to its assets folder."
        )
    return folder
