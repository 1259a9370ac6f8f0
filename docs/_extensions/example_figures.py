"""Show the figures of the gallery: the variable ``figure`` of each example."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_SHOWN = "_figure_shown"


def _scrape(_block: tuple, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    figure = block_vars["example_globals"].get("figure")
    if not isinstance(figure, Figure) or getattr(figure, _SHOWN, False):
        return ""
    setattr(figure, _SHOWN, True)
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, dpi=150, facecolor=figure.get_facecolor())
    plt.close(figure)
    return figure_rst([path], gallery_conf["src_dir"])


def _get_sg_image_scraper() -> Any:
    """Return the image scraper; Sphinx-Gallery requires this name."""
    return _scrape
