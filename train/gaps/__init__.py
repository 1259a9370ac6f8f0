"""The commands about gaps: training of networks that fill them, and their scores."""
