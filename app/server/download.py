"""Files from the server to the downloads of the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class Download(JSComponent):
    """An invisible component that saves a file in the browser, and keeps nothing of it afterwards."""

    content = param.Bytes(default=None, doc="The file.")
    filename = param.String(default="")
    mime = param.String(default="application/octet-stream")
    serial = param.Integer(default=0, doc="Set last: a new number saves the file.")

    _esm = Path(__file__).parent / "download.js"

    def give(self, filename: str, content: bytes, mime: str) -> None:
        """Let the browser save a file."""
        self.param.update(content=content, filename=filename, mime=mime)
        self.serial += 1

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and data.get("saved") == self.filename:
            self.content = None
