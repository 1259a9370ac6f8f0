"""How many pixels of the screen a box has."""

from __future__ import annotations

from pathlib import Path

import param
from panel.custom import JSComponent


class SizeProbe(JSComponent):
    """An invisible sheet over its parent, which must be positioned, that reports its size in pixels."""

    columns = param.Integer(default=0, doc="Width in pixels; zero before the browser has said so.")
    rows = param.Integer(default=0, doc="Height in pixels.")

    _esm = Path(__file__).parent / "size_probe.js"

    def __init__(self, **params: object) -> None:
        styles = {
            "position": "absolute",
            "inset": "0",
            "width": "100%",
            "height": "100%",
            "pointer-events": "none",
        }
        super().__init__(**{"margin": 0, "styles": styles, **params})
