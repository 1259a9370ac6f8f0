"""Publication figures with Matplotlib: arrays in, figure objects out, no global state."""

from atmodist_core.figures.atmosphere import atmosphere_figure
from atmodist_core.figures.maps.field_maps import field_maps, scale_limits
from atmodist_core.figures.method_styles import MethodStyle, method_style
from atmodist_core.figures.spectra import semivariogram_figure, spectrum_figure
from atmodist_core.figures.style import DARK, FORMATS, PUBLICATION, FigureStyle, figure_bytes

__all__ = [
    "DARK",
    "FORMATS",
    "PUBLICATION",
    "FigureStyle",
    "MethodStyle",
    "atmosphere_figure",
    "field_maps",
    "figure_bytes",
    "method_style",
    "scale_limits",
    "semivariogram_figure",
    "spectrum_figure",
]
