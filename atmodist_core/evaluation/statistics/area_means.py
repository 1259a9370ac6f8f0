"""Area means over the globe and sums over coarse cells, shared by the groups that need them."""

from __future__ import annotations

import numpy as np

from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.measures import PairMeans
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.statistics.one_time import OneTime
from atmodist_core.evaluation.statistics.row_sums import PairSums, PowerSums, pair_sums, power_sums


class GlobalSums:
    """Sums over rows and cells of one time, computed once for all groups.

    Until the time is done they are kept: about ``5 / factor^2`` of the fields in float64 for every result.

    Parameters
    ----------
    data : EvaluationData
        Gives grid and factor.
    """

    def __init__(self, data: EvaluationData) -> None:
        self.factor = data.factor
        self.weights = np.array(area_weights(data.template)[:, 0])

    def of_values(self, moment: OneTime) -> PowerSums:
        """Sums of the powers of the fields under judgement."""
        return moment.shared("power sums", lambda: power_sums(moment.values, self.weights, self.factor))

    def of_truth(self, moment: OneTime) -> PowerSums:
        """Sums of the powers of the truth."""
        return self.of_values(moment.truth_alone)

    def of_pair(self, moment: OneTime) -> PairSums:
        """Sums of the errors."""
        return moment.shared("pair sums", lambda: pair_sums(moment.values, moment.truth, self.factor))


class GlobalMeans(PairMeans):
    """Area means of one time over the globe, from its sums over rows; of shape ``(1, field)``.

    Parameters
    ----------
    sums : GlobalSums
        Of the data.
    moment : OneTime
        The time.
    """

    def __init__(self, sums: GlobalSums, moment: OneTime) -> None:
        self._weights, self._factor = sums.weights, sums.factor
        self._prediction, self._truth = sums.of_values(moment), sums.of_truth(moment)
        self._pair = sums.of_pair(moment)

    def _mean(self, rows: np.ndarray) -> np.ndarray:
        return (rows * self._weights).sum(axis=-1)[None]

    @property
    def squared_error(self) -> np.ndarray:
        """See :class:`PairMeans`."""
        return self._mean(self._pair.squared_error)

    @property
    def absolute_error(self) -> np.ndarray:
        """See :class:`PairMeans`."""
        return self._mean(self._pair.absolute_error)

    @property
    def product(self) -> np.ndarray:
        """See :class:`PairMeans`."""
        return self._mean(self._pair.product)

    @property
    def prediction_moments(self) -> list[np.ndarray]:
        """See :class:`PairMeans`."""
        return [self._mean(rows) for rows in self._prediction.rows]

    @property
    def truth_moments(self) -> list[np.ndarray]:
        """See :class:`PairMeans`."""
        return [self._mean(rows) for rows in self._truth.rows]

    @property
    def block_errors(self) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`PairMeans`."""
        prediction, truth = self._prediction.weighted, self._truth.weighted
        f = self._factor
        of_block = f * self._weights[: truth.shape[1] * f].reshape(-1, f).sum(axis=1)[:, None]
        weights = of_block / (of_block.sum() * truth.shape[2])
        error = (((prediction - truth) / of_block) ** 2 * weights).sum(axis=(1, 2))
        return error[None], ((truth / of_block) ** 2 * weights).sum(axis=(1, 2))[None]
