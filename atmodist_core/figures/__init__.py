"""Publication figures with Matplotlib: arrays in, figure objects out, no global state."""

from atmodist_core.figures.atmosphere import atmosphere_figure
from atmodist_core.figures.maps import field_maps, scale_limits
from atmodist_core.figures.method_styles import Appearance, appearance
from atmodist_core.figures.spectra import semivariogram_figure, spectrum_figure
from atmodist_core.figures.style import (
    DARK,
    FORMATS,
    PUBLICATION,
    FigureStyle,
    figure_bytes,
)

__all__ = [
    "DARK",
    "FORMATS",
    "PUBLICATION",
    "Appearance",
    "FigureStyle",
    "appearance",
    "atmosphere_figure",
    "field_maps",
    "figure_bytes",
    "scale_limits",
    "semivariogram_figure",
    "spectrum_figure",
]
