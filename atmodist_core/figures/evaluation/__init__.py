"""Figures of a stored evaluation."""
