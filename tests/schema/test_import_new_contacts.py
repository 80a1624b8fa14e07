"""Lists of new people, on both databases: the few who are known are met without a look."""

from pathlib import Path
from typing import Any

import pytest

from server import imports
from store import contact_imports
from store.log import Head
from tests.schema.conftest import Api
from tests.schema.importing import HEADER, counts, imported
from tests.schema.test_delete_contacts import delete, named
from tests.schema.test_import_contacts import change_contact, contacts
from tests.support.factories import NOW, a_contact


@pytest.mark.parametrize("is_dry_run", [False, True], ids=["for good", "dry run"])
async def test_the_known_are_known_among_many_new_ones(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_dry_run: bool
) -> None:
    monkeypatch.setattr(imports, "NEW_ENOUGH", 1_000)
    unseen = Unseen(monkeypatch)
    await a_contact(api.workspace, "bob", email="Bob@example.org", first_name="Bob")
    eve = await a_contact(api.workspace, "eve", email="eve@example.org")
    await change_contact(api.workspace.database, eve, deleted_at=NOW)
    zoe = await a_contact(api.workspace, "zoe", email="zoe@example.org")
    await delete(api, named(zoe), mode="ERASE")
    rows = [f"P{number},,p{number}@example.org" for number in range(6_500)]
    rows[2_500:2_500] = ["Rob,,bob@example.org", "Eve,,eve@example.org"]
    rows[4_500:4_500] = ["Zoe,,Zoe@example.org"]

    job = await imported(api, tmp_path, HEADER + "\n".join(rows), dryRun=is_dry_run)

    assert (job["state"], job["counts"]) == (
        "COMPLETED",
        counts(created=6_500, updated=1, failed=2),
    )
    assert [(one["row"], one["code"]) for one in job["errors"]] == [
        (2_503, "CONFLICT"),
        (4_502, "CONFLICT"),
    ]
    assert unseen.steps == ([] if is_dry_run else ["new", "known", "known", "new", "new"])
    found = await contacts(api.workspace)
    assert found["Bob@example.org"]["first_name"] == ("Bob" if is_dry_run else "Rob")
    assert len(found) == (3 if is_dry_run else 6_503)


class Unseen:
    """What became of the steps that were written without a look at who is known."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        self._write = contact_imports.write_new
        monkeypatch.setattr(contact_imports, "write_new", self._write_new)

    async def _write_new(self, *args: Any, **options: Any) -> Head | None:
        self.steps.append("known")
        behind = await self._write(*args, **options)
        self.steps[-1] = "new"
        return behind
