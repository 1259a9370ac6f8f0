"""Horizontal grids: regions, boundaries, patches, interpolation and geography."""
