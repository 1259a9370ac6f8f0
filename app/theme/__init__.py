"""Colours, styles and display units of the page."""
