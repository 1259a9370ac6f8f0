"""The view Cities."""
