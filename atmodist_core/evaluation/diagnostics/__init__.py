"""Diagnostics of fields: spectra, semivariograms, similarity, distributions, local statistics."""
