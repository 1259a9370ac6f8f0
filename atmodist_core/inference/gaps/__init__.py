"""Filling gaps: what the user calls, and the ways to fill."""
