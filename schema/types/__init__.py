"""Types: what can be read."""
