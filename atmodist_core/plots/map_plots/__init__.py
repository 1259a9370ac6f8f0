"""Maps in any projection."""
