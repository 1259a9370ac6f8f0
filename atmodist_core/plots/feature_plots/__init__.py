"""What a distance network sees, as HoloViews objects."""
