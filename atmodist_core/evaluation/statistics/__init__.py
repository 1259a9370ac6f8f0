"""Statistics of one time, from which all measures are made."""
