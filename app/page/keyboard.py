"""Keys of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from panel.custom import JSComponent

from app.session.session import Session
from app.state.view_registry import VIEWS


class Keyboard(JSComponent):
    """The arrow keys step through time, the digits switch views, and the slash finds a city."""

    _esm = Path(__file__).parent / "keyboard.js"

    session: Session | None = None

    def _handle_msg(self, data: Any) -> None:
        key = data.get("key") if isinstance(data, dict) else None
        if self.session is not None:
            press(self.session, str(key))


def press(session: Session, key: str) -> None:
    """Carry out the action of a key; other keys do nothing."""
    if key in ("ArrowLeft", "ArrowRight"):
        session.step(-1 if key == "ArrowLeft" else 1)
    elif key == "/" and "cities" in VIEWS:
        session.state.view = "cities"
        session.find_city += 1
    elif key.isdigit() and int(key) < len(VIEWS):
        session.state.view = list(VIEWS)[int(key)]
