"""What a session shows as numbers, and the files that a user takes away."""
