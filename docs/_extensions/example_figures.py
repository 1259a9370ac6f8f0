"""Show the figures of the gallery: the variable ``figure`` of each example, of Matplotlib or of HoloViews.

A HoloViews object stays interactive. Its script is in the page; Bokeh's own scripts are copied into the site, so that nothing is loaded
from elsewhere.
"""

import shutil
import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

SCRIPTS = ("bokeh.min.js",)
"""Parts of Bokeh that the plots of the gallery need; tables and widgets are others."""

_SHOWN: list[Any] = []
"""The last figure of each example, which later blocks of it must not repeat."""


def _scrape(_block: tuple, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    figure = block_vars["example_globals"].get("figure")
    if figure is None or any(figure is shown for shown in _SHOWN):
        return ""
    _SHOWN[:] = [*_SHOWN[-3:], figure]
    if isinstance(figure, Figure):
        path = next(block_vars["image_path_iterator"])
        figure.savefig(path, dpi=150, facecolor=figure.get_facecolor())
        plt.close(figure)
        return figure_rst([path], gallery_conf["src_dir"])
    return _interactive(figure)


def _interactive(figure: Any) -> str:
    import holoviews as hv
    from bokeh.embed import components

    script, element = components(hv.renderer("bokeh").get_plot(figure).state)
    loaded = "\n".join(f'<script src="../../_static/bokeh/{name}"></script>' for name in SCRIPTS)
    html = f'{loaded}\n<div class="bokeh-plot" style="overflow-x: auto">{element}</div>\n{script}'
    return f"\n.. raw:: html\n\n{textwrap.indent(html, '    ')}\n\n"


def _copy_scripts(app: Any, _error: Exception | None) -> None:
    import bokeh

    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / "bokeh"
        folder.mkdir(parents=True, exist_ok=True)
        for name in SCRIPTS:
            shutil.copy(Path(bokeh.__file__).parent / "server" / "static" / "js" / name, folder)


def _get_sg_image_scraper() -> Any:
    """Return the image scraper; Sphinx-Gallery requires this name."""
    return _scrape


def setup(app: Any) -> dict[str, Any]:
    """Copy Bokeh's scripts into the finished site."""
    app.connect("build-finished", _copy_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
