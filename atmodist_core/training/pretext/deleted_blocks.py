"""Which points of a patch are deleted, to be filled in."""

import numpy as np
from numpy.typing import NDArray

_BLOCKS = 4
_SHARE_OF_SIDE = 4


def deleted_blocks(random: np.random.Generator, count: int, size: int) -> NDArray[np.float32]:
    """Return masks ``(count, 1, size, size)``, 1 in four square blocks of a quarter of the side at random places.

    Blocks may overlap, so that at most a quarter of the points is deleted (Pathak et al. 2016, doi:10.1109/CVPR.2016.278).
    """
    side = max(1, size // _SHARE_OF_SIDE)
    first = random.integers(0, size - side + 1, (count, _BLOCKS, 2, 1))
    along = np.arange(size)
    inside = (along >= first) & (along < first + side)  # (count, block, axis, size)
    blocks = inside[:, :, 0, :, None] & inside[:, :, 1, None, :]
    return np.asarray(blocks.any(axis=1, keepdims=True), dtype=np.float32)
