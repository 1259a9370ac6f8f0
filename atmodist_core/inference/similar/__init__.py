"""Embeddings of long records, and the most similar times in them."""
