"""What the tests of fields share."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20200101)


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny transforms gain nothing from threads, and dask's own would fight with torch's."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield
