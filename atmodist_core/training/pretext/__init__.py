"""Training of the encoder on other pretext tasks than the lag."""
