"""Plots are optional: without HoloViews their tests are skipped, and say so."""

import pytest

pytest.importorskip("holoviews", reason="needs holoviews: pip install 'atmodist-studio[plots]'")


@pytest.fixture(autouse=True, scope="session")
def _backend() -> None:
    """Load the backend before a test makes elements of its own."""
    from atmodist_core.plots.backend import holoviews

    holoviews()
