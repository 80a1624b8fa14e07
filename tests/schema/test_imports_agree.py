"""Imports agree with a plain account of their rules, and the same list again changes nothing."""

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import tables
from store.words import ContactStatus
from tests.schema.conftest import Api
from tests.schema.importing import HEADER, counts, imported
from tests.support.factories import a_database, a_workspace

Line = tuple[str, str, str]

_NAMES = st.sampled_from(["", " ", "Ada", "Zoë", "Ada "])
_EMAILS = st.sampled_from(
    ["ada@example.org", "ADA@example.org", "bob@example.org", "é@example.org", "x", ""]
)
_LISTS = st.lists(st.tuples(_NAMES, _NAMES, _EMAILS), min_size=1, max_size=6)
_STATUSES = st.sampled_from(list(ContactStatus))


@dataclass
class Account:
    """What the rules make of lists, one after the other: by key the names, and the two statuses."""

    known: dict[str, tuple[str, str, ContactStatus, ContactStatus]] = field(default_factory=dict)

    def take(self, lines: list[Line], status: ContactStatus) -> dict[str, int]:
        told = counts()
        seen: set[str] = set()
        for line in lines:
            first, last, email = (cell.strip() for cell in line)
            told[self._take(first, last, email, status, seen)] += 1
        return told

    def _take(
        self, first: str, last: str, email: str, status: ContactStatus, seen: set[str]
    ) -> str:
        key = email.casefold()
        if not first and not last and not email:
            return "skipped"
        if "@" not in email or key in seen:
            return "failed"
        seen.add(key)
        if key not in self.known:
            self.known[key] = (first, last, status, status)
            return "created"
        was = self.known[key]
        now = (first or was[0], last or was[1], was[2], status)
        self.known[key] = now
        return "unchanged" if now == was else "updated"


async def known(api: Api) -> dict[str, tuple[str, str, ContactStatus, ContactStatus]]:
    return {
        row["email_key"]: (
            row["first_name"] or "",
            row["last_name"] or "",
            row["status"],
            row["imported_as"],
        )
        for row in await api.workspace.rows(tables.contacts)
    }


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(lists=st.lists(st.tuples(_LISTS, _STATUSES), min_size=1, max_size=3))
async def test_lists_are_imported_as_the_rules_say(
    shared_url: str, tmp_path: Path, lists: list[tuple[list[Line], ContactStatus]]
) -> None:
    account = Account()
    async with a_database(shared_url) as database:
        api = Api(await a_workspace(database))
        for lines, status in lists:
            for _ in range(2):
                text = HEADER + "".join(",".join(line) + "\n" for line in lines)

                job = await imported(api, tmp_path, text, status=status)

                assert job["counts"] == account.take(lines, status)
                assert await known(api) == account.known
        (counted,) = await api.workspace.rows(tables.contact_counters)
    statuses = [status for _, _, status, _ in account.known.values()]
    assert counted["leads"] == statuses.count(ContactStatus.LEAD)
    assert counted["lost"] == statuses.count(ContactStatus.LOST)
