"""The experiment plan and the queue that runs it."""
