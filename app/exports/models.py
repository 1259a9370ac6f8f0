"""Numbers behind the view Models."""

from __future__ import annotations

from app.session import Session
from atmodist_core.study.compute import models_numbers as curves_of_all_models
from atmodist_core.study.numbers import Numbers


def models_numbers(_session: Session) -> Numbers:
    """Learning curves of all models."""
    return curves_of_all_models()
