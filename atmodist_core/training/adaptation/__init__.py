"""Adaptation of shipped models to the data of a user, within minutes."""
