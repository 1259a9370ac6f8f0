"""What to notice in what a filter responds to, in a sentence made from the numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from atmodist_core.figures.findings.wording import number, units_text


def features_takeaway(tables: Mapping[str, xr.Dataset], network: str) -> str:
    """Write where a filter is strongest and what excites it, and to which scales the distance reacts.

    Parameters
    ----------
    tables : mapping of str to xarray.Dataset
        As from :func:`atmodist_core.figures.numbers.studies.features.features`, as far as they are there.
    network : str
        Name of the distance network in the table ``sensitivity``.

    Returns
    -------
    str
        Empty before there are changes.
    """
    if "changes" not in tables:
        return ""
    changes = tables["changes"]
    rms = {
        str(name): float(np.sqrt((one.astype(float) ** 2).mean()))
        for name, one in changes.data_vars.items()
        if {"y", "x"} <= set(one.dims)
    }
    if not rms or not sum(rms.values()) > 0:
        return ""
    main = max(rms, key=lambda name: rms[name])
    latitude = changes["latitude"].values[np.isfinite(changes["activation"].values)]
    north, south = int((latitude > 0).sum()), int((latitude < 0).sum())
    where = f"{north} of its {latitude.size} strongest patches lie north of the equator"
    if south > north:
        where = f"{south} of its {latitude.size} strongest patches lie south of the equator"
    text = (
        f"Filter {changes.attrs['filter_number']} of {changes.attrs['layer']}: {where}, and a change of {main.replace('_', ' ')} by "
        f"{number(rms[main])} {units_text('s-1')} (RMS) raises it by {100 * float(changes.attrs['rise']):.0f} %"
    )
    found = tables.get("sensitivity")
    if found is None or network not in found["distance"].values:
        return f"{text}."
    own = float(found["half_wavenumber"].sel(distance=network))
    return (
        f"{text}. Half of the response of the distance comes from total wavenumbers below {own:.0f}, half of the squared error from those below "
        f"{float(found['error_half_wavenumber']):.0f}."
    )
