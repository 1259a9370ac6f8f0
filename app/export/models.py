"""Numbers behind the view Models."""

from __future__ import annotations

from app.session.session import Session
from atmodist_core.figures.numbers.compute import models_numbers as curves_of_all_models
from atmodist_core.figures.numbers.numbers import Numbers


def models_numbers(_session: Session) -> Numbers:
    """Return the learning curves of all models."""
    return curves_of_all_models()
