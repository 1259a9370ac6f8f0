"""Assembles the page; ``panel serve app/main.py`` runs this once per browser tab."""

from __future__ import annotations

import sys
from pathlib import Path

import panel as pn

# `panel serve app/main.py` puts app/ on the path, not the folder above it, from which `app` and `atmodist_core` are imported.
_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from app.page import build_page

pn.extension(notifications=False)
build_page().servable()
