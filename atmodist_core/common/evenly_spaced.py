"""Some of many, evenly spaced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def evenly_spaced(count: int, most: int) -> NDArray[np.int_]:
    """Return at most ``most`` of the numbers 0 to ``count - 1``, evenly spaced; of two or more the first and the last are among them.

    Examples
    --------
    >>> evenly_spaced(3, 24).tolist(), evenly_spaced(240, 24)[:3].tolist(), evenly_spaced(240, 24)[-1].tolist()
    ([0, 1, 2], [0, 10, 21], 239)
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
