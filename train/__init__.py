"""Command lines that make data and models; each is a thin caller of :mod:`atmodist_core`."""
