"""The view Distances."""
