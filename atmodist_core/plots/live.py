"""A plot that is rendered once and then given new data: HoloViews' elements at the speed of plain Bokeh."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from atmodist_core.common.errors import UserError
from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.figure_copies import ModelTemplate, strip_looks
from atmodist_core.plots.look.style import restyle

SMALL = 10_000
"""Values up to which a column is compared with the present one, which costs less than sending it again."""


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
    >>> plot.add(hv.Curve([(0, 0.5)], label="bicubic"))
    >>> plot.show_only(["bicubic"])
    >>> plot.labels, plot.renderer("truth").visible
    (['truth', 'bicubic'], False)
    """

    def __init__(self, element: Any, **options: Any) -> None:
        self._sources: dict[str, Any] = {}
        self._renderers: dict[str, Any] = {}
        self.figure = self._render(element, options)
        self._template: ModelTemplate | None = None

    def _render(self, element: Any, options: Mapping[str, Any]) -> Any:
        """Render layers that are not there yet, and keep their sources and renderers."""
        hv = holoviews()
        layers = _layers(element)
        labels = [_label(layer) for layer in layers]
        if len({*labels, *self._sources}) < len(labels) + len(self._sources):
            raise UserError(
                f"Expected layers with different labels, found {', '.join([*self._sources, *labels])}; relabel them."
            )
        kept = []
        for layer, label in zip(layers, labels, strict=True):
            hooks = list(_option(layer, "hooks", []))
            kept.append(layer.opts(hooks=[*hooks, self._keep(label)], clone=True))
        whole = hv.Overlay(kept) if len(kept) > 1 else kept[0]
        if isinstance(element, hv.Overlay) and len(kept) > 1:
            found = hv.Store.lookup_options("bokeh", element, "plot").kwargs
            whole = whole.opts(**{**found, **options})
        elif options:
            whole = whole.opts(**options)
        # HoloViews sets its theme on a document and waits for its end: by default on the present one, which may be a visitor's page.
        renderer = hv.renderer("bokeh").instance(mode="server")
        drawn = renderer.get_plot(whole, doc=_new_document()).state
        strip_looks(drawn)
        return drawn

    def copy(self, shared: dict[str, Any] | None = None, own: Collection[str] = ()) -> LivePlot:
        """Return the same plot with a figure of its own, as this one was when the first copy was made.

        Rendering takes 50 to 150 ms, a copy about 20. Copies with the same ``shared``, an empty dictionary for the first, have all models in
        common but those with the ids ``own``: a page of several equal plots has a fraction of the models then.
        """
        if self._template is None:
            self._template = ModelTemplate(self.figure)
        models = self._template.copy(shared)
        if shared is not None:
            shared.update({old: model for old, model in models.items() if old not in own})
        other = LivePlot.__new__(LivePlot)
        other._template, other.figure = None, models[self.figure.id]
        # The source of an annotation is no part of the figure.
        other._sources, other._renderers = (
            {label: models.get(one.id, one) if one else None for label, one in kept.items()}
            for kept in (self._sources, self._renderers)
        )
        return other

    def add_layer(self, label: str, like: str, **look: Any) -> None:
        """Add a layer that looks like another but for its ``look``, properties of its glyph, and has data and visibility of its own."""
        from bokeh.models import CDSView

        original = self.renderer(like)
        source = original.data_source.clone(data=dict(original.data_source.data))
        parts = {"data_source": source, "glyph": original.glyph.clone(**look), "view": CDSView()}
        renderer = original.clone(**parts, name=label, visible=True)
        self.figure.renderers.append(renderer)
        for tool in self.figure.tools:
            shown = getattr(tool, "renderers", None)
            if isinstance(shown, list) and original in shown:
                shown.append(renderer)
        self._renderers[label], self._sources[label] = renderer, renderer.data_source

    def share_source(self, label: str, source: Any) -> None:
        """Let a layer take its columns from the source of another, here or in another plot: both change with one message."""
        self.renderer(label).data_source = self._sources[label] = source

    def _keep(self, label: str) -> Callable[[Any, Any], None]:
        def keep(plot: Any, _element: Any) -> None:
            self._sources[label] = plot.handles["source"]
            # An annotation is drawn by itself.
            renderer = plot.handles.get("glyph_renderer") or plot.handles.get("glyph")
            if renderer is not None:
                renderer.name = label  # in tooltips: $name
            self._renderers[label] = renderer

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
        """Return the renderer of a layer, or the annotation: for its glyph, name and visibility."""
        self.source(label)
        return self._renderers[label]

    def hover(self, label: str) -> Any:
        """Return the hover tool of a layer, for its tooltips; None without one."""
        return _hover_of(self.figure, self.renderer(label))

    def update(self, label: str, **columns: Any) -> None:
        """Replace columns of a layer; an image's are ``image`` (rows from the south), ``x``, ``y``, ``dw``, ``dh``.

        Columns that hold the same values already are not sent again.
        """
        source = self.source(label)
        unknown = set(columns) - set(source.data)
        if unknown:
            raise UserError(
                f"Expected columns among {', '.join(source.data)}, found {', '.join(sorted(unknown))}; choose among these."
            )
        if not all(_same(source.data[name], values) for name, values in columns.items()):
            source.data = {**source.data, **columns}

    def update_image(self, label: str, values: np.ndarray) -> None:
        """Replace the picture of an image on the same points; ``values`` has rows from south to north."""
        self.update(label, image=[np.asarray(values)])

    def update_layers(self, columns: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace columns of several layers, by label; those of a band are its axis, ``low`` and ``high``."""
        for label, found in columns.items():
            if {"low", "high"} <= set(found):
                # HoloViews draws an area as a patch: along its upper edge, and back along the lower one.
                x, low, high = found[next(iter(found))], found["low"], found["high"]
                found = {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([high, low[::-1]])}
            self.update(label, **found)

    def show(self, label: str, visible: bool = True) -> None:
        """Show or hide a layer, with its entry in the legend."""
        renderer = self.renderer(label)
        if renderer.visible != visible:
            renderer.visible = visible
            for entry in (entry for legend in self.figure.legend for entry in legend.items):
                if renderer in entry.renderers:
                    entry.visible = visible

    def show_only(self, labels: Collection[str]) -> None:
        """Show these layers and hide all others; labels without a layer are ignored."""
        for label in self._sources:
            self.show(label, label in labels)

    def add(self, element: Any) -> None:
        """Add the layers of an element or overlay that are not there yet, above the others; ranges and data stay.

        Layers must have one coordinate system with the present ones. All are sent to the browser as one change.
        """
        from bokeh.core.properties import value
        from bokeh.models import LegendItem

        hv = holoviews()
        missing = {_label(layer): layer for layer in _layers(element) if _label(layer) not in self._sources}
        if not missing:
            return
        drawn = self._render(hv.Overlay(list(missing.values())), {})
        hovers = [_hover_of(drawn, self._renderers[label]) for label in missing]
        # A single layer has no legend to take its entry from.
        named = [
            label for label, layer in missing.items() if layer.label and _option(layer, "show_legend", True)
        ]
        entries = [LegendItem(label=value(label), renderers=[self._renderers[label]]) for label in named]
        with batch_model_updates(self.figure):
            self.figure.renderers = [*self.figure.renderers, *drawn.renderers]
            self.figure.add_tools(*dict.fromkeys(filter(None, hovers)))
            for legend in self.figure.legend:
                legend.items = [*legend.items, *entries]

    def set_range(self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
        """Show a range of values on one or both axes, also after a reset of the zoom."""
        for visible, ends in ((self.figure.x_range, x), (self.figure.y_range, y)):
            if ends is not None:
                low, high = map(float, ends)
                visible.update(start=low, end=high, reset_start=low, reset_end=high)

    def restyle(self, theme: str) -> None:
        """Give the plot the colours of a theme, see :func:`atmodist_core.plots.look.style.restyle`."""
        restyle(self.figure, theme)


@contextmanager
def batch_model_updates(figure: Any) -> Iterator[None]:
    """Let Bokeh collect the models of a page once, after all changes of a figure within this context.

    Otherwise it collects them for every line that is added to a figure of the page: a view shown for the first time would block the server for
    seconds. Use it only where models are added, because it always collects once; and only for Bokeh models, because Panel components made
    within would not know their document, and so where their style sheets come from.
    """
    if figure.document is None:
        yield
        return
    frozen = figure.document.models.freeze()
    frozen.__enter__()
    try:
        yield
    finally:
        # Without the error, which would leave the models frozen.
        frozen.__exit__(None, None, None)


def _layers(element: Any) -> list[Any]:
    return list(element) if isinstance(element, holoviews().Overlay) else [element]


def _label(layer: Any) -> str:
    return layer.label or type(layer).__name__


def _hover_of(figure: Any, renderer: Any) -> Any:
    tools = (tool for tool in figure.tools if type(tool).__name__ == "HoverTool")
    return next((tool for tool in tools if tool.renderers == "auto" or renderer in tool.renderers), None)


def _option(layer: Any, name: str, default: Any) -> Any:
    return holoviews().Store.lookup_options("bokeh", layer, "plot").kwargs.get(name, default)


def _same(present: Any, new: Any) -> bool:
    """Whether a column need not be sent: the same object, or a small one with equal values."""
    if present is new:
        return True
    if isinstance(present, np.ndarray) and isinstance(new, np.ndarray):
        if present.shape != new.shape or present.dtype != new.dtype or new.size > SMALL:
            return False
        return np.array_equal(present, new, equal_nan=new.dtype.kind == "f")
    return False


def _new_document() -> Any:
    from bokeh.document import Document

    return Document()
