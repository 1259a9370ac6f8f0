"""Training of the autoencoder, the control of the paper."""
