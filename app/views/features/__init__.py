"""The view Features."""
