"""Facts: rows of the log as ingest would write them, about nothing in particular."""

import secrets

from store.types import new_id
from store.words import DeliveryKind

NOW = 1_795_305_600_000_000


def a_fact(kind: DeliveryKind) -> dict[str, object]:
    return {
        "nonce": secrets.token_bytes(4),
        "activity": None,
        "delivery": kind,
        "change": None,
        "journey_id": None,
        "entry_id": None,
        "contact_id": None,
        "communication_id": new_id(),
        "step_id": None,
        "resource_id": None,
        "channel": None,
        "occurred_at": NOW,
        "url": None,
        "reason": None,
        "source": "partner",
        "is_suspected_bot": False,
        "bot_signals": None,
        "is_ignored": False,
        "detail": None,
    }
