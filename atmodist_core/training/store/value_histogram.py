r"""Moments of the signed-log normalisation in one pass, from an exact count of 16-bit numbers.

The moments of y = sign(z) log(1 + alpha |z|) depend on the mean and the spread in z = (x - mean) / std,
which are known only after everything was seen: measured directly, they need a second pass. But a 16-bit
number has only 65,536 values. How often each occurred is all there is to know: counts of parts add up, in
any order and exactly (they are whole numbers), and every moment follows from them at the end, for the fields
alone and for the fields with their mirrors.

Where fields are stored as float16 this is exact. Where they are stored as float32 they are rounded to float16
for the count alone: an error of at most 2^-11 of each value, of either sign, which moves the moments by
less than 1e-6 of the spread.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.fields.canonical.channels import is_standardized
from atmodist_core.networks.normalization import ALPHA, SignedLogNormalization

BINS = 65536
_VALUES = np.arange(BINS, dtype=np.uint16).view(np.float16).astype(np.float64)


class ValueHistogram:
    """How often each 16-bit number occurred in each channel: int64, shape ``(channel, 65536)``."""

    def __init__(self, channels: int, counts: NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros((channels, BINS), dtype=np.int64) if counts is None else counts

    def add(self, values: NDArray[np.floating]) -> None:
        """Count values in storage units, finite, of shape ``(..., channel)``."""
        bits = values.astype(np.float16, copy=False).view(np.uint16)
        for channel, counts in enumerate(self.counts):
            counts += np.bincount(bits[..., channel].ravel(), minlength=BINS)

    def merge(self, other: "ValueHistogram") -> None:
        """Take in another count."""
        self.counts += other.counts

    def normalization(
        self,
        channels: Sequence[str],
        units: Sequence[float],
        *,
        odd: Sequence[str] = (),
        offsets: Sequence[float] = (),
    ) -> SignedLogNormalization:
        """Moments of everything counted; ``units`` are the physical values of one storage unit, per channel.

        ``odd`` names channels that a mirrored training sees with either sign as often: their means are then
        zero. ``offsets`` are added to the physical values. A constant field, or none, is a UserError.
        """
        if not self.counts.sum():
            raise UserError(
                "Expected times for training, found none to measure the normalisation on; lower"
                " --validation-fraction."
            )
        mean, std, mean_y, std_y = [], [], [], []
        offsets = offsets or [0.0] * len(channels)
        for name, unit, offset, counts in zip(channels, units, offsets, self.counts, strict=True):
            here = np.flatnonzero(counts)
            value, weight = _VALUES[here], counts[here] / counts.sum()
            centre, spread = _moments(value, weight, name in odd)
            if not spread > 0:
                raise UserError(f"Expected a {name} that varies, found a constant field; check the data.")
            z = (value - centre) / spread
            centre_y, spread_y = _moments(np.sign(z) * np.log1p(ALPHA * np.abs(z)), weight, name in odd)
            if is_standardized(name):
                centre_y, spread_y = 0.0, 1.0
            mean.append(centre * unit + offset)
            std.append(spread * unit)
            mean_y.append(centre_y)
            std_y.append(spread_y)
        linear = tuple(name for name in channels if is_standardized(name))
        return SignedLogNormalization(
            tuple(channels), tuple(mean), tuple(std), ALPHA, tuple(mean_y), tuple(std_y), linear
        )


def _moments(value: NDArray[np.float64], weight: NDArray[np.float64], odd: bool) -> tuple[float, float]:
    """Mean (zero for a field that comes with either sign) and standard deviation."""
    centre = 0.0 if odd else float(np.sum(weight * value))
    return centre, float(np.sqrt(np.sum(weight * (value - centre) ** 2)))
