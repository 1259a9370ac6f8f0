"""The work behind the view Distances."""
