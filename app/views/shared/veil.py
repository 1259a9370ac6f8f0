"""A veil over outdated content, shown and hidden without a new layout of the page."""

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
    """Covers a positioned card while its content is computed; ``inset`` are distances from its edges, as in CSS.

    It changes text and not a class: for each change of a class Bokeh lays out the whole page and paints every figure again.
    """

    def __init__(self, inset: str) -> None:
        self.pane = pn.pane.HTML("", stylesheets=[_STYLES + f":host {{ inset: {inset}; }}"], margin=0)

    def show(self, waiting: bool) -> None:
        """Show or hide it."""
        self.pane.object = '<div class="veil"></div>' if waiting else ""
