"""Copies of rendered figures, for another session or a grid of equal plots: a quarter of the time of rendering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_UNSEEN = ("nonselection_glyph", "muted_glyph", "selection_glyph", "hover_glyph")
"""Looks of points that are selected, muted or pointed at; each is a model on the server and in the browser."""


def strip_looks(figure: Any) -> None:
    """Remove the looks of selected, muted and hovered points from all layers of a figure."""
    for renderer in figure.renderers:
        if hasattr(renderer, "glyph"):
            renderer.update(**dict.fromkeys(_UNSEEN))


class ModelTemplate:
    """A Bokeh model as it is now, with all models that it refers to, to be copied.

    Parameters
    ----------
    model : bokeh.model.Model
        A figure, or a part of one.

    Examples
    --------
    >>> from bokeh.models import ColumnDataSource
    >>> source = ColumnDataSource({"x": [1, 2]})
    >>> copies = ModelTemplate(source).copy()
    >>> copies[source.id].data["x"], copies[source.id].id == source.id
    ([1, 2], False)
    """

    def __init__(self, model: Any) -> None:
        from bokeh.core.serialization import Serializer

        self._encoded = Serializer().encode(model)

    def copy(self, shared: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return new models by the ids of those they are copies of; ``shared`` holds models, by the same ids, that take the places of copies."""
        from bokeh.core.serialization import Deserializer
        from bokeh.util.serialization import make_id

        kept = shared or {}
        new_ids: dict[str, str] = {old: model.id for old, model in kept.items()}

        def renamed(part: Any) -> Any:
            if isinstance(part, list):
                return [renamed(one) for one in part]
            if not isinstance(part, dict):
                return part
            if part.get("id") in kept:
                return {"id": new_ids[part["id"]]}
            copied = {key: renamed(value) for key, value in part.items()}
            if isinstance(part.get("id"), str):
                if part["id"] not in new_ids:
                    new_ids[part["id"]] = make_id()
                copied["id"] = new_ids[part["id"]]
            return copied

        whole = Deserializer(list(kept.values())).decode(renamed(self._encoded))
        models = {model.id: model for model in whole.references()}
        return {old: models[new] for old, new in new_ids.items() if new in models}
