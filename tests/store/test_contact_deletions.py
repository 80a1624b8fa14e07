"""Contact deletions: whatever is changed, deleted, restored, erased: the counters are the rows'."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import (
    Connection,
    Database,
    contact_deletions,
    contact_statuses,
    contacts,
    erasures,
    tables,
)
from store.drafts import ContactDraft
from store.types import DAY, HOUR, Id, Instant, new_id
from store.words import ContactStatus
from subscriptions.signing import Signer
from tests.support.factories import NOW, Workspace, a_contact, a_journey, a_workspace, an_entry

KEYRING = Signer(b"a secret of the tests")
NAMES = ("ann", "bob", "cyd")
some = st.sets(st.sampled_from(range(4)), min_size=1)
steps = st.one_of(
    st.tuples(st.just("delete"), some),
    st.tuples(st.just("erase"), some),
    st.tuples(st.just("restore"), st.integers(0, 5)),
    st.tuples(st.just("status"), some, st.sampled_from(list(ContactStatus))),
    st.tuples(st.just("upsert"), st.sampled_from(NAMES), st.sampled_from(list(ContactStatus))),
    st.tuples(st.just("wait"), st.sampled_from([HOUR, DAY])),
)


async def do(workspace: Workspace, asked: tuple[Any, ...], made: list[Id], now: Instant) -> None:
    """One step, in a transaction of its own; `made` are the deletions so far."""

    async def work(connection: Connection) -> None:
        found = await workspace.rows(tables.contacts)
        match asked:
            case ("delete", indexes):
                own = new_id()
                made.append(own)
                chosen = [row["id"] for n, row in enumerate(found) if n in indexes]
                await contact_deletions.begin(connection, workspace.id, own, by="ops", now=now)
                await contact_deletions.delete(
                    connection, workspace.id, own, chosen, by="ops", now=now
                )
            case ("erase", indexes):
                chosen = [row["id"] for n, row in enumerate(found) if n in indexes]
                await erasures.erase(
                    connection, workspace.id, new_id(), chosen, KEYRING, by="ops", now=now
                )
            case ("restore", index) if index < len(made):
                await contact_deletions.restore_all(
                    connection, workspace.id, made[index], by="ops", now=now
                )
            case ("status", indexes, to):
                chosen = [row["id"] for n, row in enumerate(found) if n in indexes]
                await contact_statuses.change(
                    connection, workspace.id, chosen, to, by="ops", now=now
                )
            case ("upsert", name, to):
                await contacts.upsert(
                    connection, workspace.id, [ContactDraft(name, status=to)], by="ops", now=now
                )

    await workspace.database.transact(work)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=12))
async def test_counters_are_a_count_of_the_rows(
    database: Database, asked: list[tuple[Any, ...]]
) -> None:
    workspace = await a_workspace(database)
    await a_journey(workspace)
    for name in NAMES:
        await a_contact(workspace, name)
        await an_entry(workspace, f"{workspace.id}-{name}", name)
    made: list[Id] = []
    now = NOW

    for one in asked:
        if one[0] == "wait":
            now += one[1]
        else:
            await do(workspace, one, made, now)

    here = [row for row in await workspace.rows(tables.contacts) if row["deleted_at"] is None]
    (counters,) = await workspace.rows(tables.contact_counters)
    statuses = [row["status"] for row in here]
    assert counters == {
        "workspace_id": workspace.id,
        **{column: statuses.count(status) for status, column in contact_statuses.COUNTED.items()},
        "converted": sum(row["converted_at"] is not None for row in here),
    }
    held = {row["contact_id"] for row in await workspace.rows(tables.deleted_contacts)}
    assert held.isdisjoint(row["id"] for row in here)
    owners = {row["id"] for row in here}
    for entry in await workspace.rows(tables.entries):
        assert (entry["state"] == "ACTIVE") == (entry["contact_id"] in owners), entry
