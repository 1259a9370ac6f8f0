"""Colours, fonts, line styles and units of all plots."""
