"""The view Maps."""
