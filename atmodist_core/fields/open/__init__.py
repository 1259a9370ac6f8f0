"""Open any source of wind, vorticity or divergence as one canonical dataset."""
