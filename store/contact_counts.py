"""Contact counts: how many there are by status, read of all and counted under a filter."""

from dataclasses import dataclass

from sqlalchemy import func, select

from store import log, tables
from store.conditions import terms
from store.database import Connection
from store.entities import CONTACT
from store.filters import ContactFilter
from store.log import Head
from store.reading import alias
from store.words import ContactStatus

COUNTED = {
    ContactStatus.LEAD: "leads",
    ContactStatus.CUSTOMER: "customers",
    ContactStatus.LOST: "lost",
    ContactStatus.NONE: "none",
}
"""Under which name contacts of a status are counted."""


@dataclass(frozen=True, slots=True)
class ContactCounts:
    """`converted`: those who ever went from lead to customer, whatever they are now."""

    leads: int = 0
    customers: int = 0
    lost: int = 0
    none: int = 0
    converted: int = 0

    @property
    def total(self) -> int:
        return self.leads + self.customers + self.lost + self.none


async def of_all(connection: Connection, workspace_id: int) -> tuple[ContactCounts, Head]:
    """The counters and the head of the log, from one statement."""
    counters, heads = tables.contact_counters, tables.heads
    row = (
        await connection.execute(
            select(
                *(counters.c[name] for name in ContactCounts.__dataclass_fields__),
                *(heads.c[name] for name in Head.__dataclass_fields__),
            )
            .join_from(counters, heads, heads.c.workspace_id == counters.c.workspace_id)
            .where(counters.c.workspace_id == workspace_id)
        )
    ).one()
    width = len(ContactCounts.__dataclass_fields__)
    return ContactCounts(*row[:width]), Head(*row[width:])


async def matching(
    connection: Connection, workspace_id: int, asked: ContactFilter
) -> tuple[ContactCounts, Head]:
    """Counted exactly, however long it takes, and the head: of one commit within a snapshot."""
    head = await log.head(connection, workspace_id)
    base = alias(CONTACT)
    found = await connection.execute(
        select(base.c.status, func.count(), func.count(base.c.converted_at))
        .where(
            base.c.workspace_id == workspace_id,
            *(term.clause(base) for term in terms(CONTACT, asked, workspace_id)),
        )
        .group_by(base.c.status)
    )
    counts = dict.fromkeys(ContactCounts.__dataclass_fields__, 0)
    for status, contacts, converted in found:
        counts[COUNTED[ContactStatus(status)]] = contacts
        counts["converted"] += converted
    return ContactCounts(**counts), head
