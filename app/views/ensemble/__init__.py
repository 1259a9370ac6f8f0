"""The view Ensemble."""
