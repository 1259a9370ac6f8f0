"""The status line above the views, and the messages below it."""

from __future__ import annotations

from html import escape
from typing import Any

import panel_material_ui as pmui

from app.session.messages import Message
from app.session.session import Session
from app.views.shared.elements import Element, button, column, html, row

_LINE_STYLES = (
    ":host { display: flex; align-items: center; gap: 10px; height: 30px; flex: 1 1 260px; min-width: 0; }"
)
_TEXT_STYLES = """
.state { display: flex; align-items: center; gap: 10px; height: 30px; }
.activity { flex: 1 1 auto; min-width: 0; font-size: 12.5px; color: var(--studio-muted); line-height: 30px; text-align: right; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; font-variant-numeric: tabular-nums; }
.progress { flex: none; width: 180px; height: 4px; border-radius: 2px; overflow: hidden; background: var(--studio-line); }
.progress div { height: 100%; background: var(--panel-primary-color); transition: width .2s linear; }
"""
_SENTENCE_STYLES = ".sentence { font-size: 13px; line-height: 1.45; color: var(--studio-text); }"


class StatusLine(Element):
    """Progress, the present activity, and the button that stops it; its height is constant."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._text = html(css=_TEXT_STYLES, height=30, css_classes=["status"], align="center")
        # Hidden by a style and not by `visible`, for which Bokeh lays out the whole page and paints every figure.
        hidden = {"&.Mui-disabled": {"visibility": "hidden"}}
        self._cancel = button("Cancel", "close", disabled=True, align="center", sx=hidden)
        self._resume = button("Compute the rest", "play_arrow", visible=False, align="center")
        self._cancel.on_click(lambda _event: session.cancel())
        self._resume.on_click(lambda _event: session.resume())
        self._content = row(
            self._text, self._cancel, self._resume, css=_LINE_STYLES, height=30, align="center"
        )
        session.param.watch(self._update, ["busy", "stopped", "progress", "activity"])
        self._update()

    def _update(self, *_events: Any) -> None:
        session = self._session
        percent = round(100 * session.progress)
        bar = (
            f'<div class="progress" role="progressbar" aria-label="Progress" aria-valuenow="{percent}" aria-valuemin="0" '
            f'aria-valuemax="100"><div style="width:{percent}%"></div></div>'
        )
        self._text.object = (
            f'<div class="state"><div class="activity" role="status" aria-live="polite">{escape(session.activity)}</div>'
            f"{bar if session.busy else ''}</div>"
        )
        self._cancel.disabled = not session.busy
        self._resume.visible = session.stopped and not session.busy


class Messages(Element):
    """Sentences for the user, each of which can be closed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._alerts: dict[str, tuple[Message, Any]] = {}
        self._content = column(styles={"gap": "6px"}, css_classes=["messages"])
        session.param.watch(self._update, "messages")
        self._update()

    def _update(self, *_events: Any) -> None:
        shown = []
        for message in self._session.messages:
            alert = self._alerts.get(message.key)
            if alert is None or alert[0] != message:
                alert = self._alerts[message.key] = (message, self._alert(message))
            shown.append(alert[1])
        self._content.objects = shown

    def _alert(self, message: Message) -> Any:
        # Not as its `object`, which it reads as Markdown and HTML: parts of a sentence come from the address.
        sentence = html(f'<div class="sentence">{escape(message.text)}</div>', css=_SENTENCE_STYLES)
        alert = pmui.Alert(
            objects=[sentence],
            severity=message.kind,
            closeable=True,
            variant="outlined",
            sizing_mode="stretch_width",
            margin=0,
            css_classes=[f"message-{message.kind}"],
            sx={
                "padding": "0 12px",
                "alignItems": "center",
                "& .MuiAlert-message": {"padding": "6px 0"},
                "& .MuiAlert-action": {"padding": 0, "margin": 0},
            },
        )

        def on_close(event: Any) -> None:
            if event.new:
                self._session.set_message(message.key, message.kind, "")

        alert.param.watch(on_close, "closed")
        return alert
