"""A veil over what is out of date, put on and taken off without a new layout of the page."""

from __future__ import annotations

import panel as pn

from app.theme.theme import VARIABLES

_STYLES = (
    VARIABLES
    + """
:host { position: absolute !important; width: auto !important; height: auto !important; pointer-events: none; z-index: 1; margin: 0; }
.veil { position: absolute; inset: 0; border-radius: 6px; background: color-mix(in srgb, var(--studio-raised) 80%, transparent);
  animation: breathe 1.6s .2s infinite steps(5) backwards; }
@keyframes breathe { from { opacity: .35; } 50% { opacity: 1; } to { opacity: .35; } }
@media (prefers-reduced-motion: reduce) { .veil { animation: none; } }
"""
)


class Veil:
    """What lies over a card while what it shows is being computed.

    Text is changed, and not a class of the card: Bokeh lays the whole page out anew, and paints every figure on it, for each class that comes or
    goes.

    Parameters
    ----------
    inset : str
        Distances from the edges of the card, as in CSS; the card has to be positioned.
    """

    def __init__(self, inset: str) -> None:
        self.pane = pn.pane.HTML("", stylesheets=[_STYLES + f":host {{ inset: {inset}; }}"], margin=0)

    def show(self, waiting: bool) -> None:
        """Put it on or take it off."""
        self.pane.object = '<div class="veil"></div>' if waiting else ""
