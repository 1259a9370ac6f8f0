"""Distances between times, over the lag, and predicted lags."""
