"""Training of ensemble generators by proper scores."""
