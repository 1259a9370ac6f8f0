"""Movies of maps through a period: drawn frame by frame, written as MP4 or GIF."""
