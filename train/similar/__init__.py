"""Commands around similar times."""
