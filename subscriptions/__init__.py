"""The event log as live streams: the doorbell, cursors, resume."""

from subscriptions.hub import Hub

__all__ = ["Hub"]
