"""Steps, checkpoints, schedules, moving averages, processes and devices: the same for every training."""
