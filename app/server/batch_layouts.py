"""One layout of the page per frame, for any number of changed parts."""

from __future__ import annotations

from pathlib import Path

from panel.custom import JSComponent


class LayoutBatcher(JSComponent):
    """An invisible component, the first of the page, that batches its layouts."""

    _esm = Path(__file__).parent / "batch_layouts.js"
