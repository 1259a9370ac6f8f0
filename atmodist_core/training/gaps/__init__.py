"""Training of networks that fill gaps."""
