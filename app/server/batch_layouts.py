"""One layout of the page per frame, however many of its parts have changed."""

from __future__ import annotations

from pathlib import Path

from panel.custom import JSComponent


class LayoutBatcher(JSComponent):
    """An invisible component, the first of the page, that gathers its layouts."""

    _esm = Path(__file__).parent / "batch_layouts.js"
