"""One browser tab: the work that a change of the state starts, and its results."""
