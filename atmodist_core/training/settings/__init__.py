"""The settings of every training and preparation: frozen dataclasses and their presets."""
