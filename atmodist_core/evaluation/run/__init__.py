"""Computing the statistics of models over a period."""
