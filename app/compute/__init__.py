"""Computations behind the page, with caches shared by all sessions."""
