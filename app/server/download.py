"""Files for the browser to save."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class Download(JSComponent):
    """An invisible component that saves a file in the browser and then forgets it."""

    content = param.Bytes(default=None, doc="The file.")
    filename = param.String(default="")
    mime = param.String(default="application/octet-stream")
    serial = param.Integer(default=0, doc="Incremented last to save the file.")

    _esm = Path(__file__).parent / "download.js"

    def deliver(self, filename: str, content: bytes, mime: str) -> None:
        """Let the browser save a file."""
        self.param.update(content=content, filename=filename, mime=mime)
        self.serial += 1

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and data.get("saved") == self.filename:
            self.content = None
