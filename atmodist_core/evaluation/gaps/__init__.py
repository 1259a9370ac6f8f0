"""Scores of filled gaps, inside the gaps alone."""
