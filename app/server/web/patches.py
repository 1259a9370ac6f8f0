"""Check what a browser changes: a control allows certain values only, and a client that is no browser may send any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bokeh.document import Document

_KINDS = (
    "ModelChanged",
    "MessageSent",
    "ColumnDataChanged",
    "ColumnsStreamed",
    "ColumnsPatched",
)
MOST_CHARACTERS = 8_000
"""Longest text that a control sends."""


class RefusedChangeError(Exception):
    """A change that no control of the page makes."""


def check_patch(content: Any, document: Document) -> None:
    """Raise a RefusedChangeError if a change of the document is not of a kind that the page makes, or a value not one that its control allows."""
    events = content.get("events") if isinstance(content, Mapping) else None
    if not isinstance(events, list):
        raise RefusedChangeError("a change without events")
    for event in events:
        if not isinstance(event, Mapping) or event.get("kind") not in _KINDS:
            raise RefusedChangeError("a change of a kind that the page does not make")
        if event["kind"] == "MessageSent" and event.get("msg_type") != "bokeh_event":
            raise RefusedChangeError("a message to a part that the page does not have")
        if event["kind"] == "ModelChanged":
            _check_change(event, document)


def _check_change(event: Mapping[str, Any], document: Document) -> None:
    reference, attribute, value = event.get("model"), event.get("attr"), event.get("new")
    named = reference.get("id") if isinstance(reference, Mapping) else None
    model: Any = document.models.get_by_id(named) if isinstance(named, str) else None
    if not isinstance(attribute, str):
        raise RefusedChangeError("a change of no attribute")
    if model is None:
        return  # Bokeh ignores what was removed a moment ago
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise RefusedChangeError(f"a text of {len(value)} characters for {attribute[:40]!r}")
    if attribute not in model.properties():
        raise RefusedChangeError(f"the unknown attribute {attribute[:40]!r}")
