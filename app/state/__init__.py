"""The state of the page, which a link restores."""
