"""Spectra, ratios to the truth and semivariograms."""
