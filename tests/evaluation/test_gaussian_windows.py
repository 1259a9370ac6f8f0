"""Structural similarity in float32 against the definition in float64."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.gaussian_windows import SimilarityTruth, windowed_means
from atmodist_core.evaluation.diagnostics.structural_similarity import structural_similarity
from tests.evaluation.mock_fields import globe


@pytest.mark.parametrize("shape", [(11, 11), (58, 60), (59, 107), (120, 150)])
def test_windowed_means_are_gaussian_filtering(shape):
    fields = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    found = windowed_means(torch.from_numpy(fields)).numpy()
    wanted = gaussian_filter(fields.astype(float), 1.5, radius=5, axes=(1, 2))[:, 5:-5, 5:-5]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.3, 3.0])
def test_similarity_is_that_of_float64(offset, noise):
    random = np.random.default_rng(1)
    smooth = globe(72, truncation=20, times=1, seed=2)["vorticity"].values
    truth = np.concatenate([smooth / smooth.std(), random.standard_normal(smooth.shape)])
    truth = (offset + truth).astype(np.float32)
    values = (truth + noise * random.standard_normal(truth.shape)).astype(np.float32)
    known = SimilarityTruth(truth)
    found = known.similarity(values)
    for number in range(2):
        span = float(truth[number].max()) - float(truth[number].min())
        assert known.span[number] == span
        wanted = structural_similarity(values[number], truth[number], value_range=span)
        assert found[number] == pytest.approx(wanted, abs=1e-5)
    if not noise:
        assert found == pytest.approx([1, 1], abs=1e-12)


def test_a_field_smaller_than_the_window_is_refused():
    with pytest.raises(UserError, match="11 x 11 points"):
        SimilarityTruth(np.zeros((2, 10, 20), np.float32))
