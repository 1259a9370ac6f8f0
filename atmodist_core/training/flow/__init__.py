"""Training of downscaling networks by flow matching."""
