"""Model cards and weights on disk, and which model suits which data."""
