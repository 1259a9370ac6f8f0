"""Evaluation over a long period: statistics per time, stored piece by piece, and what is made of them."""
