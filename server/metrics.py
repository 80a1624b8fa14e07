"""Metrics: what one process counts, in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """A registry of its own for every app, so that two in one process do not count together."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "trackside_http_requests",
            "HTTP requests answered.",
            ["route", "status"],
            registry=self._registry,
        )
        self.operations = Counter(
            "trackside_operations",
            "GraphQL operations run, by kind and outcome (ok, errors, refused).",
            ["kind", "outcome"],
            registry=self._registry,
        )
        self.batches = Counter(
            "trackside_subscription_batches",
            "Batches sent to subscribers.",
            registry=self._registry,
        )
        self.sockets = Gauge(
            "trackside_sockets", "WebSocket connections open.", registry=self._registry
        )
        self.event_streams = Gauge(
            "trackside_event_streams",
            "Streams of server-sent events open.",
            registry=self._registry,
        )
        self.subscriptions = Gauge(
            "trackside_subscriptions", "Subscriptions running.", registry=self._registry
        )
        self.log_head = Gauge(
            "trackside_log_head",
            "The newest place of a workspace's log.",
            ["workspace"],
            registry=self._registry,
        )
        self.waiting_events = Gauge(
            "trackside_waiting_events",
            "Events that were handed in to this process and are not written yet.",
            registry=self._registry,
        )
        self.doorbell = Gauge(
            "trackside_doorbell_listening",
            "1 while rings of other processes arrive, 0 while readers poll.",
            registry=self._registry,
        )

    def text(self) -> bytes:
        return generate_latest(self._registry)
