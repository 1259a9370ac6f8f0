"""Verification of ensembles: proper scores, calibration, coherence, dependence in time and between fields."""
