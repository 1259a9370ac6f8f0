"""Lags: distance over lag, and how well a network predicts the lag of two states."""
