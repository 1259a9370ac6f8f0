"""Weather that is a known field plus noise, and ensembles that draw the same noise, more or less of it."""

from functools import cache

import numpy as np
import xarray as xr

from atmodist_core.evaluation.run.models import EvaluatedModel
from tests.evaluation.known_models import FACTOR
from tests.evaluation.mock_fields import globe

NOISE = 2e-5
"""Standard deviation of the noise of weather and members [s-1], white on the sphere up to the truncation."""


@cache
def noise_values(rows, times, seed):
    """Noise of unit standard deviation by field, ``(time, latitude, longitude)``."""
    made = globe(rows, times=times, slope=1.0, seed=seed)
    return {name: (field / field.std()).values.astype(np.float32) for name, field in made.items()}


def noise_like(fields, seed):
    """Noise of unit standard deviation with the grid and times of some fields."""
    return fields.copy(data=noise_values(fields.sizes["latitude"], fields.sizes["time"], seed))


def weather(days=8, every_hours=24, seed=0, rows=48):
    """Base fields, and the truth: base plus noise that is new at every time."""
    times = np.datetime64("2001-01-01", "ns") + np.arange(days * 24 // every_hours) * np.timedelta64(
        every_hours, "h"
    )
    base = (
        globe(rows, times=1, slope=-1.5, seed=seed)
        .isel(time=np.zeros(times.size, int))
        .assign_coords(time=times)
    )
    truth = base.copy(
        data={name: field.values for name, field in (base + NOISE * noise_like(base, seed + 100)).items()}
    )
    return base, truth.assign_attrs(base.attrs)


class KnownEnsemble:
    """Members are the base plus noise of their own, ``share`` times that of the truth; counts calls by members."""

    factor, is_ensemble = FACTOR, True

    def __init__(self, base, share=1.0):
        self.name, self.calls, self._base, self._share = "known", [], base, share

    def __call__(self, coarse, *, region=None, members=None, seed=0):
        self.calls.append(members)
        base = self._base.sel(time=coarse["time"])
        moment = int(coarse["time"].values[0].astype("datetime64[h]").astype(int))
        drawn = [
            base.copy(
                data={
                    name: (base[name] + self._share * NOISE * noise[name]).values.astype(np.float32)
                    for name in base.data_vars
                }
            )
            for n in range(members or 1)
            for noise in [noise_like(base, 1000 * moment + 10 * n + seed)]
        ]
        return drawn[0] if members is None else xr.concat(drawn, "member")


def ensemble_model(label, base, share=1.0, members=6, **identity):
    """An ensemble for an evaluation."""
    return EvaluatedModel(label, KnownEnsemble(base, share), {"name": label, **identity}, members)
