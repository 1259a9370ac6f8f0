import numpy as np
import pytest

from atmodist_core.fields.amplitude import coarse_amplitude


def test_amplitude_is_the_root_of_the_area_mean_of_squares():
    latitude = np.linspace(80.0, -80.0, 17)
    rng = np.random.default_rng(0)
    field = rng.normal(size=(2, 17, 30))
    area = np.sin(np.deg2rad(np.clip(latitude + 5, -90, 90))) - np.sin(np.deg2rad(latitude - 5))
    expected = np.sqrt((field**2 * area[:, None]).sum(axis=(1, 2)) / (area.sum() * 30))
    np.testing.assert_allclose(coarse_amplitude(field, latitude), expected, rtol=1e-12)


def test_missing_points_do_not_count():
    latitude = np.array([10.0, 0.0, -10.0])
    field = np.array([[1.0, np.nan], [1.0, 1.0], [5.0, 5.0]])
    valid = np.array([[True, False], [True, True], [False, False]])
    assert coarse_amplitude(np.where(valid, field, np.nan), latitude) == pytest.approx(1.0)
    assert coarse_amplitude(field, latitude, valid) == pytest.approx(1.0)


def test_a_field_of_zeros_can_be_divided_by_its_amplitude():
    assert coarse_amplitude(np.zeros((3, 4)), np.array([1.0, 0.0, -1.0])) == 1.0
