import pytest

from atmodist_core.training.data.synthetic import synthetic_fields


@pytest.fixture(scope="session")
def weather():
    """Red noise on a 4-degree grid, 60 times."""
    return synthetic_fields(60, latitude_count=48)
