"""Spectra with their ratio to the truth as HoloViews objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from atmodist_core.plots.backend import holoviews
from atmodist_core.plots.look.style import FONT, axes_hook, theme_of
from atmodist_core.plots.spectrum_plots.curves import (
    ABSCISSA,
    GUIDES,
    NYQUIST,
    Lines,
    layer_name,
    ratio_columns,
    spectrum_columns,
    spectrum_limits,
    spectrum_lines,
    wavenumber_of,
)
from atmodist_core.plots.spectrum_plots.layers import band_of, curve_of
from atmodist_core.plots.states import COARSE, TRUTH, Models, compared_states

QUANTITIES = {
    "kinetic_energy": ("kinetic energy [m² s⁻²]", 0.0),
    "vorticity": ("vorticity variance [s⁻²]", 2.0),
    "divergence": ("divergence variance [s⁻²]", 2.0),
}
"""Label of the axis of each quantity, power per total wavenumber, and what is added to the slopes of kinetic energy."""

WAVENUMBERS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
WAVELENGTHS_KM = (40000, 20000, 10000, 5000, 2000, 1000, 500, 300, 200, 100, 70, 50, 30, 20)
RATIOS = (0.1, 0.2, 0.5, 1, 2, 5)
SPECTRUM_HEIGHT, RATIO_HEIGHT, LEFT_BORDER = 270, 128, 62


def spectra(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    models: Models = (),
    *,
    quantity: str = "kinetic_energy",
    time: Any = 0,
    region: Any = None,
    factor: int | None = None,
    ratio: bool = True,
    width: int = 520,
    theme: str = "light",
) -> Any:
    """Return power over wavenumber of coarse input, models and truth, with the ratio to the truth below.

    Parameters
    ----------
    data : xarray.Dataset or mapping of str to xarray.Dataset
        Fields as for :func:`atmodist_core.plots.maps`; or spectra by name, as :func:`atmodist_core.energy_spectrum` and
        :func:`atmodist_core.regional_spectrum` return them, of which the mean over time is drawn, with a band of 16 to 84 % of more than two
        times.
    models, time, region, factor
        As for :func:`atmodist_core.plots.maps`. A region has the spectrum of its cosine transform, drawn per total wavenumber of
        waves of that length on the globe.
    quantity : {"kinetic_energy", "vorticity", "divergence"}
        Whose power.
    ratio : bool
        Whether to add the ratio to the truth.
    width : int
        Width of the plot [pixels].
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    holoviews.Layout or holoviews.Overlay
        Spectrum and ratio, one below the other; the spectrum alone without a ratio or a truth. Of fields, the largest wavenumber that the
        coarse input resolves is marked.

    Raises
    ------
    UserError
        What is wrong with data, models or options.

    Examples
    --------
    >>> import atmodist_core as ad
    >>> demo = ad.open_demo().isel(time=slice(0, 1))
    >>> layout = spectra(demo, ["bicubic"])
    >>> [panel.label for panel in layout]
    ['spectrum', 'ratio to truth']
    """
    found, nyquist = _spectra_of(data, models, time=time, region=region, factor=factor)
    lines = spectrum_lines(found, quantity)
    with_ratio = ratio and TRUTH in lines and len(lines) > 1
    look: dict[str, Any] = {"width": width, "theme": theme, "nyquist": nyquist}
    upper = spectrum_plot(lines, quantity, above_ratio=with_ratio, **look)
    if not with_ratio:
        return upper
    return holoviews().Layout([upper, ratio_plot(lines, **look)]).cols(1)


def _spectra_of(
    data: xr.Dataset | Mapping[str, xr.Dataset], models: Models, *, time: Any, region: Any, factor: int | None
) -> tuple[dict[str, xr.Dataset], float | None]:
    """Spectra by name, and the coarse Nyquist wavenumber of fields."""
    from atmodist_core.evaluation import energy_spectrum, regional_spectrum
    from atmodist_core.evaluation.geometry import is_global_grid
    from atmodist_core.figures.numbers.spectrum import coarse_nyquist_degree

    if isinstance(data, Mapping) and not isinstance(data, xr.Dataset):
        first = next(iter(data.values()), None)
        if first is not None and {ABSCISSA, "wavelength_km"} & set(first.dims):
            return {str(name): spectrum for name, spectrum in data.items()}, None
    states = compared_states(data, models, time=time, region=region, factor=factor)
    nyquist = None
    if TRUTH in states and COARSE in states:
        fine, coarse = (states[name].sizes["latitude"] for name in (TRUTH, COARSE))
        nyquist = coarse_nyquist_degree(states[TRUTH], round(fine / coarse))
    spectra_by_name = {
        name: energy_spectrum(state) if is_global_grid(state) else regional_spectrum(state)
        for name, state in states.items()
    }
    return spectra_by_name, nyquist


def spectrum_plot(
    lines: Lines,
    quantity: str,
    *,
    nyquist: float | None = None,
    above_ratio: bool = False,
    width: int = 520,
    theme: str = "light",
) -> Any:
    """Return an overlay of spectra on logarithmic axes, with slopes for the eye and the wavelengths at the top.

    Parameters
    ----------
    lines : mapping of str to tuple of numpy.ndarray
        By name: total wavenumber, shape ``(wavenumber,)``, and power, shape ``(time, wavenumber)``.
    quantity : {"kinetic_energy", "vorticity", "divergence"}
        Whose power.
    nyquist : float, optional
        Largest total wavenumber that the coarse input resolves, which is marked.
    above_ratio : bool
        Whether the axis of a ratio below serves this plot as well.
    width, theme
        As for :func:`spectra`.

    Returns
    -------
    holoviews.Overlay

    Examples
    --------
    >>> import numpy as np
    >>> degree = np.arange(1.0, 90.0)
    >>> plot = spectrum_plot({"truth": (degree, degree[None] ** -3.0)}, "kinetic_energy")
    >>> [layer.label for layer in plot]
    ['truth', 'k⁻³', 'k⁻³, name', 'k⁻⁵⁄³', 'k⁻⁵⁄³, name']
    """
    hv = holoviews()
    label, slope_offset = QUANTITIES[quantity]
    columns = spectrum_columns(lines, slope_offset, nyquist)
    muted = theme_of(theme).muted
    tips, formats = power_tips(quantity), _tip_formats()
    layers = [
        layer
        for name in lines
        for layer in (
            *band_of(hv, name, columns, theme),
            curve_of(hv, name, columns, theme, tips, formats),
        )
    ]
    for text in (text for text in GUIDES.values() if text in columns):
        guide = hv.Curve((columns[text]["x"], columns[text]["y"]), "x", "y", label=text)
        layers.append(guide.opts(color=muted, line_dash=[2, 4], line_width=1.2, show_legend=False))
        (x,), (y,), _ = columns[f"{text}, name"].values()
        name = hv.Text(x, y, text, halign="left", valign="bottom").relabel(f"{text}, name")
        layers.append(name.opts(color=muted, text_font_size="11px"))
    layers += _nyquist_mark(hv, nyquist, theme, named=True)
    limits = spectrum_limits(lines, columns)
    ends = {} if limits is None else dict(zip(("xlim", "ylim"), limits, strict=True))
    frame = _frame(width, SPECTRUM_HEIGHT, theme, wavelengths=True, abscissa=not above_ratio)
    options = {**frame, **ends, "ylabel": label, "legend_position": "bottom_left"}
    return hv.Overlay(layers).relabel("spectrum").opts(**options)


def ratio_plot(lines: Lines, *, nyquist: float | None = None, width: int = 520, theme: str = "light") -> Any:
    """Return an overlay of the ratio of every model's mean power to the truth's; parameters as for :func:`spectrum_plot`.

    Examples
    --------
    >>> import numpy as np
    >>> degree = np.arange(1.0, 90.0)
    >>> power = degree[None] ** -3.0
    >>> plot = ratio_plot({"truth": (degree, power), "bicubic": (degree, power / 2)})
    >>> float(plot.get(1).dimension_values("ratio")[0])
    0.5
    """
    hv = holoviews()
    columns = ratio_columns(lines, nyquist)
    tips, formats = [*_TIPS, ("power / truth's", "@{ratio}{0.[000]a}")], _tip_formats()
    layers = [hv.HLine(1.0, label="truth").opts(color=theme_of(theme).text, line_width=1)]
    layers += [
        curve_of(hv, name, columns, theme, tips, formats) for name in lines if layer_name(name) in columns
    ]
    layers += _nyquist_mark(hv, nyquist, theme, named=False)
    limits = spectrum_limits(lines, {})
    options = {
        **_frame(width, RATIO_HEIGHT, theme, wavelengths=False, abscissa=True),
        **({} if limits is None else {"xlim": limits[0]}),
        "ylabel": "ratio to truth",
        "ylim": (0.08, 6),
        "yticks": [(ratio, f"{ratio:g}") for ratio in RATIOS],
        "show_legend": False,
    }
    return hv.Overlay(layers).relabel("ratio to truth").opts(**options)


# HoloViews puts the names of columns into braces, and formats are found by what is written.
_TIPS = [("", "$name"), ("wavenumber", f"@{{{ABSCISSA}}}{{1}}"), ("wavelength", f"@{{{ABSCISSA}}}{{km}}")]


def power_tips(quantity: str) -> list[tuple[str, str]]:
    """Return what a spectrum says under the pointer: name, wavenumber, wavelength, and power with its unit.

    Examples
    --------
    >>> power_tips("vorticity")[-1]
    ('vorticity variance', '@{power}{%0.3g} s⁻²')
    """
    what, unit = QUANTITIES[quantity][0].rstrip("]").split(" [")
    return [*_TIPS, (what, f"@{{power}}{{%0.3g}} {unit}")]


def _tip_formats() -> dict[str, Any]:
    """Wavenumber and wavelength, computed in the browser from the wavenumber: no column is sent for them."""
    from bokeh.models import CustomJSHover

    code = f"return format === 'km' ? `${{Math.round({wavenumber_of(1.0):.6f} / value)}} km` : `${{Math.round(value)}}`"
    return {f"@{{{ABSCISSA}}}": CustomJSHover(code=code), "@{power}": "printf"}


def _nyquist_mark(hv: Any, nyquist: float | None, theme: str, *, named: bool) -> list[Any]:
    """A dashed line at the largest wavenumber that the coarse grid resolves."""
    if nyquist is None:
        return []
    chosen = theme_of(theme)

    def name(plot: Any, _element: Any) -> None:
        """Its name, which stays at the bottom when the axes are moved: elements have no place in the frame, only on the axes."""
        from bokeh.models import Label

        look = {"text_font": FONT, "text_font_size": "11px", "text_color": chosen.muted, "padding": 2}
        behind = {"background_fill_color": chosen.surface, "background_fill_alpha": 0.85}
        # Left of its line and far below the spectra.
        place = {"y": 4, "y_units": "screen", "x_offset": -4, "text_align": "right"}
        label = Label(x=nyquist, text=NYQUIST, name=NYQUIST, **place, **look, **behind)
        plot.state.add_layout(label)

    mark = hv.VLines([nyquist], label=NYQUIST)
    look = {"color": chosen.muted, "line_width": 1, "line_dash": "dashed", "show_legend": False}
    return [mark.opts(**look, hooks=[name] if named else [])]


def _frame(width: int, height: int, theme: str, *, wavelengths: bool, abscissa: bool) -> dict[str, Any]:
    """Options of both plots: logarithmic axes, ticks at round wavenumbers, and one left edge."""

    def axes(plot: Any, _element: Any) -> None:
        figure = plot.state
        figure.min_border_left = LEFT_BORDER
        figure.xgrid.ticker = figure.xaxis[0].ticker
        figure.xaxis[0].visible = abscissa
        if wavelengths:
            _add_wavelengths(figure)

    return {
        "frame_width": width,
        "frame_height": height,
        "logx": True,
        "logy": True,
        "xticks": [(wavenumber, f"{wavenumber:g}") for wavenumber in WAVENUMBERS],
        "xlabel": "total wavenumber",
        "show_grid": True,
        "title": "",
        "hooks": [axes, axes_hook(theme)],
    }


def _add_wavelengths(figure: Any) -> None:
    """Add a second axis with the wavelengths; HoloViews has no axis of other numbers for the same curves."""
    from bokeh.models import FixedTicker, LogAxis

    if any(part.name == "wavelength" for part in figure.above):
        return
    places = {wavenumber_of(km): f"{km:g}" for km in WAVELENGTHS_KM}
    axis = LogAxis(ticker=FixedTicker(ticks=list(places)), axis_label="wavelength [km]", name="wavelength")
    axis.major_label_overrides = places
    figure.add_layout(axis, "above")
