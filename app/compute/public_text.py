"""Texts for visitors, who need not know where the files of the server are."""

from __future__ import annotations

import os
import re

from atmodist_core.figures.numbers.data_sets import data_folder
from atmodist_core.models.card import model_folders

_ABSOLUTE_PATH = re.compile(r"(?<![\w.:/~])/(?:[^\s/'\",;:()]+/)+(?=[^\s/])")


def public_text(text: object) -> str:
    """Return a text or the sentence of an error with paths relative to the data folder and the folders of models, and other absolute paths as their last name."""
    shown = str(text)
    for folder in filter(None, (data_folder(), *model_folders())):
        shown = shown.replace(f"{folder}{os.sep}", "")
    return _ABSOLUTE_PATH.sub("", shown)
