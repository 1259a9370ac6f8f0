"""Dialogues: export, movies, and downloads of data."""
