"""Training and scoring of the distance network."""
