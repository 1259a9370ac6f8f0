"""Downscalers whose errors are known: they look up the truth and change it in a stated way."""

import numpy as np

from atmodist_core.evaluation.run.evaluation import PreparedEvaluation
from atmodist_core.evaluation.run.member_run import MemberRun
from atmodist_core.evaluation.run.models import EvaluatedModel

FACTOR = 4


class KnownDownscaler:
    """Fields of the truth at the times of the coarse input, after ``change``; counts its calls."""

    factor = FACTOR

    def __init__(self, name, truth, change):
        self.name, self.calls = name, 0
        self._truth, self._change = truth, change

    def __call__(self, coarse, *, region=None):
        self.calls += 1
        return self._change(self._truth.sel(time=coarse["time"]))


def model(name, truth, change, **identity):
    """A model that changes the truth."""
    return EvaluatedModel(name, KnownDownscaler(name, truth, change), {"name": name, **identity})


def scaled(by):
    return lambda ds: (ds * np.float32(by)).assign_attrs(ds.attrs)


def checkerboard(share):
    """Add a checkerboard of this share of the field's standard deviation."""

    def change(ds):
        rows, columns = np.indices((ds.sizes["latitude"], ds.sizes["longitude"]))
        sign = (-1.0) ** (rows + columns)
        return ds.map(lambda field: (field + share * float(field.std()) * sign).astype(np.float32))

    return change


def prepared(data, models, out, selection, cities, **options):
    """Members and models as an evaluation opens them; their statistics are not computed yet."""
    runs = [MemberRun(each, models, out, selection, cities, **options) for each in data]
    return PreparedEvaluation(runs, models, selection)
