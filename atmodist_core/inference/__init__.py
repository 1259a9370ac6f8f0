"""Trained networks at work: AtmoDist and Downscaler, xarray in, xarray out."""
