"""Hooks: what providers report of messages, one file a provider."""
