"""Fixtures of the transforms' tests."""

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Tests leave the user's cache alone."""
    monkeypatch.setenv("ATMODIST_CACHE", str(tmp_path / "cache"))
