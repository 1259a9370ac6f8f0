"""The browser's address bar and history, as one invisible component."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class BrowserHistory(JSComponent):
    """Writes the address, as a new or the present entry of the history, and reports when the user goes back or forward."""

    address: Any = param.Dict(
        default={"search": "", "push": False},
        doc="Search part of the address, and whether it is a new entry.",
    )

    _esm = Path(__file__).parent / "browser_history.js"

    on_return: Callable[[str], None] | None = None

    def _handle_msg(self, data: Any) -> None:
        search = data.get("search") if isinstance(data, dict) else None
        if self.on_return is not None and isinstance(search, str):
            self.on_return(search)
