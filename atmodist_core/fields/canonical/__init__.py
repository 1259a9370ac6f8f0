"""The canonical form of fields: names, units, levels, time and coordinates."""
