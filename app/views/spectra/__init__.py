"""The view Spectra."""
