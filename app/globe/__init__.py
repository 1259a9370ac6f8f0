"""The globe: a canvas component, and the pictures that are laid over it."""
