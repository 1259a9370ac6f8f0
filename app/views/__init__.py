"""The views of the page; each shows what the session publishes and changes nothing but the state."""
