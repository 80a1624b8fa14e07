"""The audit log: who did what."""

from typing import Any

import strawberry

from resolvers import auditing
from schema import ids
from schema.connections import Connection
from schema.fields import derived, plain
from schema.listing import Listing
from schema.scalars import JSON, DateTime
from store import filters, rows
from store.lists import Order

_IDS = {
    "connector": ids.CONNECTOR,
    "contact": ids.CONTACT,
    "deletion": ids.DELETION,
    "endpoint": ids.WEBHOOK_ENDPOINT,
    "job": ids.JOB,
    "journey": ids.JOURNEY,
    "promo": ids.PROMO,
    "reward": ids.REWARD,
    "stop": ids.STOP,
    "token": ids.TOKEN,
}


def _detail(record: rows.AuditRecord) -> Any:
    """With ids as this API writes them."""
    if record.detail is None:
        return None
    return {
        name: f"{_IDS[name]}_{value}" if name in _IDS and value is not None else value
        for name, value in record.detail.items()
    }


@strawberry.type(description="What somebody did.")
class AuditRecord:
    id: strawberry.ID = derived(
        ids.of(ids.AUDIT_RECORD), "Opaque; begins with aud_.", needs=("id",)
    )
    at: DateTime = plain("When.")
    by: str = plain(
        "Who: the name of a token, command line, or trackside for what it does by itself."
    )
    action: str = plain(
        "What: a mutation's name; job for what a job came to; retention for what was deleted for "
        "its age; allowRecipients and setCurrency of the command line."
    )
    detail: JSON | None = derived(
        _detail,
        'Ids of what was concerned, and words of this API, such as {"job": "job_…"}; nothing '
        "personal.",
        needs=("detail",),
    )
    affected: int = plain(
        "How many rows it concerned. Of what a job does, as many as were chosen, 0 where that was "
        "not known; the job's own record says what became of them."
    )


@strawberry.type(description="A page of the audit log.")
class AuditConnection(Connection[AuditRecord]):
    pass


ALL = Listing("auditLog", auditing, filters.AuditFilter(), Order("at"))
