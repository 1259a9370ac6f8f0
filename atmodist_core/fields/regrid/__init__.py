"""Fields on curved grids and swaths, brought to latitudes and longitudes."""
