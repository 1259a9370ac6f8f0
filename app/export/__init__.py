"""Numbers of what a session shows, and exported files."""
