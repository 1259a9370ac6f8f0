"""Download a few days of an open archive into one local store that `open_fields` reads."""
