"""The measures of a prediction against the truth, as statistics per time, a mean over time, and a last step.

A measure first turns every time into a few numbers (squared error, sums of powers, ...). Those are averaged
over whatever times there are, and the measure is made from the averages at last. Since only the averages
meet, a period may be computed in pieces, on several machines, and be extended later, with the same result as
in one go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from atmodist_core.evaluation.energy_ratio import HighWavenumberPower, power_ratio
from atmodist_core.evaluation.wasserstein import wasserstein

Statistics = Mapping[str, np.ndarray]


class PairMeans(ABC):
    """Area means of predictions and truths of some times; each is of shape ``(time, field)``."""

    @property
    @abstractmethod
    def squared_error(self) -> np.ndarray:
        """Of the squared difference."""

    @property
    @abstractmethod
    def absolute_error(self) -> np.ndarray:
        """Of the absolute difference."""

    @property
    @abstractmethod
    def product(self) -> np.ndarray:
        """Of prediction times truth."""

    @property
    @abstractmethod
    def prediction_moments(self) -> list[np.ndarray]:
        """Of the first four powers of the prediction."""

    @property
    @abstractmethod
    def truth_moments(self) -> list[np.ndarray]:
        """Of the first four powers of the truth."""

    @property
    @abstractmethod
    def block_errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the squared difference of the block means, and of the squared block means of the truth."""


@dataclass(frozen=True)
class Sample(PairMeans):
    """Predictions and truths of some times, as the measures take them.

    Parameters
    ----------
    prediction, truth : numpy.ndarray, shape ``(time, field, latitude, longitude)``
        Float64, without gaps.
    weights : numpy.ndarray, shape ``(latitude, longitude)``
        Weights of the area mean; they sum to one.
    factor : int
        How many times coarser the input of the prediction was.
    power : HighWavenumberPower
        Measures power beyond the coarse Nyquist wavenumber on this grid.
    """

    prediction: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    factor: int
    power: HighWavenumberPower

    def area_mean(self, values: np.ndarray) -> np.ndarray:
        """Weighted mean over the area of ``values``, shape ``(time, field, latitude, longitude)``."""
        return values.reshape(*values.shape[:2], -1) @ self._flat_weights

    @cached_property
    def _flat_weights(self) -> np.ndarray:
        return np.ascontiguousarray(self.weights).ravel()

    @property
    def squared_error(self) -> np.ndarray:
        """See :class:`PairMeans`."""
        return self.area_mean((self.prediction - self.truth) ** 2)

    @property
    def absolute_error(self) -> np.ndarray:
        """See :class:`PairMeans`."""
        return self.area_mean(np.abs(self.prediction - self.truth))

    @property
    def product(self) -> np.ndarray:
        """See :class:`PairMeans`."""
        return self.area_mean(self.prediction * self.truth)

    @cached_property
    def prediction_moments(self) -> list[np.ndarray]:
        """See :class:`PairMeans`."""
        return self._moments(self.prediction)

    @cached_property
    def truth_moments(self) -> list[np.ndarray]:
        """See :class:`PairMeans`."""
        return self._moments(self.truth)

    @property
    def block_errors(self) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`PairMeans`."""
        prediction, weights = self.block_mean(self.prediction)
        truth, _ = self.block_mean(self.truth)
        error = np.tensordot((prediction - truth) ** 2, weights, axes=2)
        return error, np.tensordot(truth**2, weights, axes=2)

    def _moments(self, values: np.ndarray) -> list[np.ndarray]:
        square = values * values
        return [self.area_mean(x) for x in (values, square, square * values, square * square)]

    def block_mean(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Area-weighted means of ``factor`` x ``factor`` points, counted from the north-western corner.

        Parameters
        ----------
        values : numpy.ndarray, shape ``(time, field, latitude, longitude)``

        Returns
        -------
        means : numpy.ndarray, shape ``(time, field, latitude // factor, longitude // factor)``
            Rows and columns that fill no block are left out.
        weights : numpy.ndarray, shape ``(latitude // factor, longitude // factor)``
            Weights of the blocks; they sum to one.
        """
        f = self.factor
        rows, columns = values.shape[-2] // f, values.shape[-1] // f
        weights = self.weights[: rows * f, : columns * f]
        # Rows first: adding up whole rows is much faster than gathering blocks.
        weighted = (values[..., : rows * f, : columns * f] * weights).reshape(
            *values.shape[:2], rows, f, columns * f
        )
        sums = weighted.sum(axis=-2).reshape(*values.shape[:2], rows, columns, f).sum(axis=-1)
        of_block = weights.reshape(rows, f, columns, f).sum(axis=(1, 3))
        return sums / of_block, of_block / of_block.sum()


class Measure(ABC):
    """One number per field that says how a prediction compares with the truth."""

    name: ClassVar[str]
    long_name: ClassVar[str]
    units: ClassVar[str]
    """Units, or "field" for the units of the field."""

    ideal: ClassVar[Literal["zero", "one", "none"]]
    """The value of a perfect prediction; "none" where more or less is neither better nor worse."""

    @abstractmethod
    def statistics(self, sample: Sample) -> Statistics:
        """Return what is to be averaged over time: arrays of shape ``(time, field)``, by name."""

    @abstractmethod
    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the measure, shape ``(field,)``, from the averages over time."""


class PairMeasure(Measure):
    """A measure that needs area means alone."""

    @abstractmethod
    def statistics(self, sample: PairMeans) -> Statistics:
        """See :class:`Measure`."""


class RootMeanSquareError(PairMeasure):
    """``sqrt(mean (prediction - truth)^2)`` over area and time."""

    name, long_name, units, ideal = "rmse", "root mean square error", "field", "zero"

    def statistics(self, sample: PairMeans) -> Statistics:
        """Return the area-mean squared error."""
        return {"squared_error": sample.squared_error}

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the square root."""
        return np.sqrt(mean["squared_error"])


class MeanAbsoluteError(PairMeasure):
    """``mean |prediction - truth|`` over area and time."""

    name, long_name, units, ideal = "mae", "mean absolute error", "field", "zero"

    def statistics(self, sample: PairMeans) -> Statistics:
        """Return the area-mean absolute error."""
        return {"absolute_error": sample.absolute_error}

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the mean itself."""
        return mean["absolute_error"]


class Correlation(PairMeasure):
    """Pearson correlation of prediction and truth over area and time."""

    name, long_name, units, ideal = "correlation", "correlation", "1", "one"

    def statistics(self, sample: PairMeans) -> Statistics:
        """Return the area-mean product, and means and squares of both."""
        prediction, truth = sample.prediction_moments, sample.truth_moments
        return {
            "product": sample.product,
            "prediction_power_1": prediction[0],
            "prediction_power_2": prediction[1],
            "truth_power_1": truth[0],
            "truth_power_2": truth[1],
        }

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return covariance over the product of standard deviations; missing where one field is constant."""
        covariance = mean["product"] - mean["prediction_power_1"] * mean["truth_power_1"]
        variances = [mean[f"{x}_power_2"] - mean[f"{x}_power_1"] ** 2 for x in ("prediction", "truth")]
        return power_ratio(covariance, np.sqrt(np.maximum(variances[0] * variances[1], 0)))


class HighWavenumberEnergyRatio(Measure):
    """Power beyond the coarse Nyquist wavenumber, relative to the truth; see
    :func:`high_wavenumber_energy_ratio`.
    """

    name, units, ideal = "energy_ratio", "1", "one"
    long_name = "power beyond the coarse Nyquist wavenumber relative to the truth"

    def statistics(self, sample: Sample) -> Statistics:
        """Return the power of both."""
        return {
            "prediction_high_wavenumber_power": sample.power(sample.prediction),
            "truth_high_wavenumber_power": sample.power(sample.truth),
        }

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the ratio of the mean powers."""
        return power_ratio(mean["prediction_high_wavenumber_power"], mean["truth_high_wavenumber_power"])


class Wasserstein(Measure):
    """Wasserstein-1 distance of the values over the area to those of the truth, per time, then the mean over
    time.
    """

    name, units, ideal = "wasserstein", "field", "zero"
    long_name = "Wasserstein-1 distance of the values over the area, mean over time"

    def statistics(self, sample: Sample) -> Statistics:
        """Return the distance at every time, area-weighted."""
        weights = sample.weights
        even = bool(np.ptp(weights) <= 1e-12 * weights.max())
        if even:
            return {"wasserstein": wasserstein(sample.prediction, sample.truth, (2, 3))}
        distance = wasserstein(sample.prediction, sample.truth, (2, 3), weights_a=weights, weights_b=weights)
        return {"wasserstein": distance}

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the mean itself."""
        return mean["wasserstein"]


def kurtosis_of(powers: list[np.ndarray]) -> np.ndarray:
    """Fourth central moment over the squared variance (3 for a normal distribution) from the means of the
    first four powers.
    """
    first, second, third, fourth = powers
    variance = second - first**2
    central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return power_ratio(central, np.square(np.maximum(variance, 0)))


class Kurtosis(PairMeasure):
    """Kurtosis of the prediction over area and time: 3 for a normal distribution, more for heavy tails."""

    name, long_name, units, ideal = "kurtosis", "kurtosis", "1", "none"

    def statistics(self, sample: PairMeans) -> Statistics:
        """Return the first four powers of the prediction."""
        return {
            f"prediction_power_{k}": moment for k, moment in enumerate(sample.prediction_moments, start=1)
        }

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the kurtosis."""
        return kurtosis_of([mean[f"prediction_power_{k}"] for k in range(1, 5)])


class KurtosisRatio(PairMeasure):
    """Kurtosis of the prediction relative to that of the truth."""

    name, long_name, units, ideal = "kurtosis_ratio", "kurtosis relative to the truth", "1", "one"

    def statistics(self, sample: PairMeans) -> Statistics:
        """Return the first four powers of both."""
        truth = {f"truth_power_{k}": moment for k, moment in enumerate(sample.truth_moments, start=1)}
        return {**Kurtosis().statistics(sample), **truth}

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the ratio of the kurtoses."""
        truth = kurtosis_of([mean[f"truth_power_{k}"] for k in range(1, 5)])
        return power_ratio(Kurtosis().finalise(mean), truth)


class BlockMeanError(PairMeasure):
    """How far the block mean of the prediction is from the coarse field it was made from, relative to that
    field.
    """

    name, units, ideal = "block_mean_error", "1", "zero"
    long_name = (
        "root mean square error of the block mean relative to the root mean square of the coarse field"
    )

    def statistics(self, sample: PairMeans) -> Statistics:
        """Return the squared error of the block mean, and the mean square of the coarse field."""
        error, power = sample.block_errors
        return {"block_squared_error": error, "block_power": power}

    def finalise(self, mean: Statistics) -> np.ndarray:
        """Return the ratio of the roots."""
        return np.sqrt(power_ratio(mean["block_squared_error"], mean["block_power"]))


MEASURES: dict[str, type[Measure]] = {
    measure.name: measure
    for measure in (
        RootMeanSquareError,
        MeanAbsoluteError,
        Correlation,
        HighWavenumberEnergyRatio,
        Wasserstein,
        Kurtosis,
        KurtosisRatio,
        BlockMeanError,
    )
}
"""The measures by the name that scores carry; add a class here to add a measure."""
"""The measures per field, by name; add a class here to add a measure."""
