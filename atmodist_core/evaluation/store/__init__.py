"""Statistics on disk: interrupted, resumed, extended and merged runs give the same files."""
