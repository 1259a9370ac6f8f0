"""Losses of the generator and its adversary, one per file."""
