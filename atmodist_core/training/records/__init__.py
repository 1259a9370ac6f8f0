"""What a run leaves behind: curves, environment, pictures, model cards, comparisons of runs."""
