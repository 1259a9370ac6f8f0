"""``dataset.atmodist``: plots of a dataset without naming the library."""

from __future__ import annotations

from typing import Any

import xarray as xr


@xr.register_dataset_accessor("atmodist")
class AtmodistAccessor:
    """Plots of canonical fields, as ``dataset.atmodist.explore()``.

    It is there once a name of :mod:`atmodist_core` has been used in the session. A variable of that name, as scores have, is
    reached with ``dataset["atmodist"]``.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def explore(self, models: Any = None, **options: Any) -> Any:
        """Return maps and spectra with widgets; see :func:`atmodist_core.plots.explore`."""
        from atmodist_core.plots.explorer import explore

        return explore(self._dataset, models, **options)

    def maps(self, models: Any = (), **options: Any) -> Any:
        """Return maps; see :func:`atmodist_core.plots.maps`."""
        from atmodist_core.plots.map_plots.panels import maps

        return maps(self._dataset, models, **options)

    def spectra(self, models: Any = (), **options: Any) -> Any:
        """Return spectra; see :func:`atmodist_core.plots.spectra`."""
        from atmodist_core.plots.spectrum_plots.spectra import spectra

        return spectra(self._dataset, models, **options)
