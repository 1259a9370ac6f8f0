"""A plot that is rendered once and then given new data: HoloViews' elements at the speed of plain Bokeh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.figure_copies import ModelTemplate, strip_looks


class LivePlot:
    """An element or overlay, rendered once; afterwards only the data of its layers change.

    At every update a ``DynamicMap`` makes new elements and compares all their options, 20 to 450 ms for the figures here;
    replacing the columns of a data source takes well below one.

    Parameters
    ----------
    element : holoviews.Element or holoviews.Overlay
        What to draw; layers are identified by their labels, which must differ.
    **options
        Options of the whole, such as ``frame_width``.

    Attributes
    ----------
    figure : bokeh.plotting.figure
        The rendered figure.

    Raises
    ------
    UserError
        If two layers have the same label.

    Examples
    --------
    >>> import holoviews as hv
    >>> plot = LivePlot(hv.Curve([(0, 1.0), (1, 2.0)], label="truth"))
    >>> plot.update("truth", y=np.array([3.0, 4.0]))
    >>> plot.source("truth").data["y"].tolist()
    [3.0, 4.0]
    """

    def __init__(self, element: Any, **options: Any) -> None:
        hv = holoviews()
        self._sources: dict[str, Any] = {}
        self._renderers: dict[str, Any] = {}
        layers = list(element) if isinstance(element, hv.Overlay) else [element]
        labels = [layer.label or type(layer).__name__ for layer in layers]
        if len(set(labels)) < len(labels):
            raise UserError(
                f"Expected layers with different labels, found {', '.join(labels)}; relabel them."
            )
        kept = []
        for layer, label in zip(layers, labels, strict=True):
            hooks = list(hv.Store.lookup_options("bokeh", layer, "plot").kwargs.get("hooks", []))
            kept.append(layer.opts(hooks=[*hooks, self._keep(label)], clone=True))
        whole = hv.Overlay(kept) if len(kept) > 1 else kept[0]
        if isinstance(element, hv.Overlay) and len(kept) > 1:
            found = hv.Store.lookup_options("bokeh", element, "plot").kwargs
            whole = whole.opts(**{**found, **options})
        elif options:
            whole = whole.opts(**options)
        # In a document of its own: HoloViews sets its theme on the present one, which may be a visitor's page.
        self.figure = hv.renderer("bokeh").get_plot(whole, doc=_new_document()).state
        strip_looks(self.figure)
        self._template: ModelTemplate | None = None

    def copy(self) -> LivePlot:
        """Return the same plot with a figure of its own, as this one was when the first copy was made.

        Rendering takes 50 to 150 ms, a copy about 20.
        """
        if self._template is None:
            self._template = ModelTemplate(self.figure)
        models = self._template.copy()
        other = LivePlot.__new__(LivePlot)
        other._template, other.figure = None, models[self.figure.id]
        other._sources = {label: models[source.id] for label, source in self._sources.items()}
        other._renderers = {
            label: renderer and models[renderer.id] for label, renderer in self._renderers.items()
        }
        return other

    def add_layer(self, label: str, like: str) -> None:
        """Add a layer that looks like another and has data, colours and visibility of its own."""
        original = self.renderer(like)
        models = ModelTemplate(original).copy()
        renderer = models[original.id]
        renderer.name = label
        self.figure.renderers.append(renderer)
        for tool in self.figure.tools:
            shown = getattr(tool, "renderers", None)
            if isinstance(shown, list) and original in shown:
                shown.append(renderer)
        self._renderers[label], self._sources[label] = renderer, renderer.data_source

    def _keep(self, label: str) -> Callable[[Any, Any], None]:
        def keep(plot: Any, _element: Any) -> None:
            self._sources[label] = plot.handles["source"]
            self._renderers[label] = plot.handles.get("glyph_renderer")
            if self._renderers[label] is not None:
                self._renderers[label].name = label  # in tooltips: $name

        return keep

    @property
    def labels(self) -> list[str]:
        """Labels of the layers, from below to above."""
        return list(self._sources)

    def source(self, label: str) -> Any:
        """Return the data source of a layer.

        Raises
        ------
        UserError
            If there is no such layer.
        """
        if label not in self._sources:
            raise UserError(
                f"Expected a layer among {', '.join(self._sources)}, found {label!r}; choose one of these."
            )
        return self._sources[label]

    def renderer(self, label: str) -> Any:
        """Return the glyph renderer of a layer, for its colours and visibility."""
        self.source(label)
        return self._renderers[label]

    def update(self, label: str, **columns: Any) -> None:
        """Replace columns of a layer; an image's are ``image`` (rows from the south), ``x``, ``y``, ``dw``, ``dh``."""
        source = self.source(label)
        unknown = set(columns) - set(source.data)
        if unknown:
            raise UserError(
                f"Expected columns among {', '.join(source.data)}, found {', '.join(sorted(unknown))}; choose among these."
            )
        source.data = {**source.data, **columns}

    def update_image(self, label: str, values: np.ndarray) -> None:
        """Replace the picture of an image on the same points; ``values`` has rows from south to north."""
        self.update(label, image=[np.asarray(values)])


def _new_document() -> Any:
    from bokeh.document import Document

    return Document()
