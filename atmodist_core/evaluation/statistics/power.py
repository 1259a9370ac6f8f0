"""Power spectra of fields: per total wavenumber on the globe, per wavelength on a limited area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import xarray as xr

from atmodist_core.evaluation.diagnostics.energy_ratio import HighWavenumberPower
from atmodist_core.evaluation.diagnostics.regional_spectra import binned, modes_of
from atmodist_core.evaluation.statistics.snapshot import Snapshot
from atmodist_core.evaluation.statistics.statistic import Arrays, Statistic
from atmodist_core.fields.grid.validity import Mask, largest_valid_rectangle


class DegreePower(Statistic):
    """Power per total wavenumber up to the grid's limit, and beyond the coarse Nyquist wavenumber."""

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "power": ("field", "total_wavenumber"),
        "high_wavenumber_power": ("field",),
    }
    units: ClassVar[Mapping[str, str]] = {"power": "field2", "high_wavenumber_power": "field2"}

    def __init__(self, high: HighWavenumberPower) -> None:
        self._high = high

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both."""
        power = self._high.power(snapshot.values)
        return {"power": power, "high_wavenumber_power": self._high.beyond(power)}


class CosinePower(Statistic):
    """Power per bin of wavelength of a limited area, and beyond the coarse Nyquist wavenumber.

    With ``valid`` points (latitude, longitude), of the largest rectangle of them, whose points ``grid`` and ``high`` have.
    """

    dimensions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "bin_power": ("field", "wavelength_km"),
        "high_wavenumber_power": ("field",),
    }
    units: ClassVar[Mapping[str, str]] = {"bin_power": "field2", "high_wavenumber_power": "field2"}

    def __init__(self, grid: xr.Dataset, high: HighWavenumberPower, valid: Mask | None = None) -> None:
        self._high = high
        self._window = (slice(None), slice(None)) if valid is None else largest_valid_rectangle(valid)
        modes, self._bin_of_mode, _ = modes_of(grid)
        self._wavelengths = modes.wavelengths_km(modes.complete_bins)

    def __call__(self, snapshot: Snapshot) -> Arrays:
        """Return both."""
        power = self._high.power(snapshot.values[..., *self._window].astype(float))
        in_bins = binned(power, self._bin_of_mode)[..., 1 : self._wavelengths.size + 1]
        return {"bin_power": in_bins, "high_wavenumber_power": self._high.beyond(power)}

    def coordinates(self) -> dict[str, Any]:
        """Return the wavelengths at the centres of the bins."""
        return {"wavelength_km": self._wavelengths}
