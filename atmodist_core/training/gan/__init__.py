"""Training of the generators: content losses, adversaries, scores."""
