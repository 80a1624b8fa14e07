"""Labels: an index kept by hand of contacts by what they have to do with, in the order of lists.

A contact of a journey has the journey's label, and that label alone says so: it has an entry there,
or came through one of its links. Of answers, promos and rewards the rows decide; whoever should be
found by them has the label, and one that no longer applies may stay.

The label of a journey, a question and a choice is its id.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from store import tables
from store.database import Connection
from store.dialects import insert
from store.types import Id
from store.words import RedemptionKind

Label = bytes

REWARD_SENT: Label = b"REWARD_SENT"


def promos(ids: Iterable[Id] | None, kinds: Iterable[RedemptionKind] | None) -> tuple[Label, ...]:
    """One of these promos, redeemed in one of these ways; None for any."""
    found = kinds if kinds is not None else RedemptionKind
    if ids is None:
        return tuple(kind.value.encode() for kind in found)
    if kinds is None:
        return tuple(ids)
    return tuple(one + kind.value.encode() for one in ids for kind in found)


def of_redemption(promo_id: Id, kind: RedemptionKind) -> tuple[Label, ...]:
    """All the labels of whoever has redeemed this promo in this way."""
    return (*promos([promo_id], None), *promos(None, [kind]), *promos([promo_id], [kind]))


async def add(
    connection: Connection, workspace_id: int, labelled: Iterable[tuple[Label, Id]]
) -> None:
    """Give labels to contacts that exist; who has one keeps it. Before the head is taken."""
    pairs = sorted(set(labelled))
    if not pairs:
        return
    labels, contacts = tables.contact_labels, tables.contacts
    chosen = select(
        contacts.c.workspace_id,
        bindparam("b_label", type_=labels.c.label.type),
        contacts.c.created_at,
        contacts.c.id,
    ).where(
        contacts.c.workspace_id == bindparam("b_workspace"),
        contacts.c.id == bindparam("b_contact", type_=contacts.c.id.type),
    )
    columns = ["workspace_id", "label", "created_at", "contact_id"]
    await connection.execute(
        insert(connection, labels).from_select(columns, chosen).on_conflict_do_nothing(),
        [
            {"b_workspace": workspace_id, "b_label": label, "b_contact": contact_id}
            for label, contact_id in pairs
        ],
    )
