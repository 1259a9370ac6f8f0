"""Size of a box in pixels of the screen."""

from __future__ import annotations

from pathlib import Path

import param
from panel.custom import JSComponent


class SizeProbe(JSComponent):
    """An invisible sheet over its positioned parent that reports its size."""

    columns = param.Integer(default=0, doc="Width in pixels; zero before the browser has reported it.")
    rows = param.Integer(default=0, doc="Height in pixels.")

    _esm = Path(__file__).parent / "size_probe.js"

    def __init__(self, **params: object) -> None:
        size = {"position": "absolute", "inset": "0", "width": "100%", "height": "100%"}
        super().__init__(**{"margin": 0, "styles": {**size, "pointer-events": "none"}, **params})
