"""Contacts: matching drafts to those that exist, making and changing them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from store import contact_choices, contact_deletions, contact_statuses, referral_links, tables
from store.contact_deletions import UNDOABLE_FOR
from store.contact_statuses import Appended, Move, move
from store.database import Connection
from store.drafts import ContactDraft, ContactEdit
from store.folding import fold, fold_email, search_text
from store.ingest.batch import Batch
from store.referral_links import Link, SignUp
from store.refusals import Refusal
from store.types import SECOND, Id, Instant, new_id
from store.words import ContactSource, ContactStatus, ErrorCode

_NAMES = ("external_username", "username", "email")
_TEXTS = ("external_username", "username", "email", "first_name", "last_name", "phone")


@dataclass(frozen=True, slots=True)
class Written:
    """The id or the refusal of each draft, and what was appended to the log."""

    results: list[Id | Refusal]
    appended: Appended


async def create(
    connection: Connection, workspace_id: int, draft: ContactDraft, *, by: str, now: Instant
) -> Written:
    """Make a contact; one that shares a name or an e-mail with another is refused."""
    changes = _Changes(workspace_id, by, now)
    await changes.load(connection, [draft])
    result = changes.make(draft, ContactSource.CREATED)
    return Written([result], await changes.write(connection))


async def upsert(
    connection: Connection,
    workspace_id: int,
    drafts: Sequence[ContactDraft],
    *,
    by: str,
    now: Instant,
) -> Written:
    """Match each draft by external username, else by e-mail; make the ones without a match."""
    changes = _Changes(workspace_id, by, now)
    await changes.load(connection, drafts)
    results = [changes.put(draft) for draft in drafts]
    return Written(results, await changes.write(connection))


async def edit(
    connection: Connection,
    workspace_id: int,
    contact_id: Id,
    asked: ContactEdit,
    *,
    by: str,
    now: Instant,
) -> Written:
    """Change what an operator wants changed of a contact, all of it or, refused, nothing."""
    changes = _Changes(workspace_id, by, now)
    await changes.load(connection, [asked.draft()], [contact_id])
    result = changes.edit(contact_id, asked)
    if isinstance(result, Refusal):
        return Written([result], Appended())
    if asked.sets_reward:
        reward_id = asked.preferred_reward_id
        refusal = await contact_choices.choose_reward(
            connection, workspace_id, contact_id, reward_id, now
        )
        if refusal is not None:
            return Written([refusal], Appended())
        changes.changed.add(contact_id)
    if asked.consents:
        consents = asked.consents
        await contact_choices.consent(
            connection, workspace_id, contact_id, consents, source=by, now=now
        )
        changes.changed.add(contact_id)
    return Written([result], await changes.write(connection))


class _Changes:
    """The contacts that a batch of drafts touches, kept by their unique names while it is read."""

    def __init__(self, workspace_id: int, by: str, now: Instant) -> None:
        self.workspace_id, self.by, self.now = workspace_id, by, now
        self.by_id: dict[Id, dict[str, Any]] = {}
        self.names: dict[tuple[str, str], Id] = {}
        self.new: set[Id] = set()
        self.changed: set[Id] = set()
        self.moves: list[Move] = []
        self.renamed: set[Id] = set()
        self.links: dict[str, Link] = {}
        self.sign_ups: list[SignUp] = []
        self.released: dict[tuple[str, str], Id] = {}
        self.given_up: list[tuple[str, Id]] = []

    async def load(
        self, connection: Connection, drafts: Sequence[ContactDraft], ids: Sequence[Id] = ()
    ) -> None:
        table = tables.contacts
        codes = {one.referred_by_code for one in drafts if one.referred_by_code}
        if codes:
            self.links = await referral_links.find(connection, self.workspace_id, codes)
        sharing = {one.contact_id for one in self.links.values()}
        usernames = {one.external_username for one in drafts if one.external_username}
        own_usernames = {one.username for one in drafts if one.username}
        emails = {fold_email(one.email) for one in drafts if one.email}
        found = await connection.execute(
            select(table)
            .where(
                table.c.workspace_id == self.workspace_id,
                or_(
                    table.c.id.in_({*ids, *sharing}),
                    table.c.external_username.in_(usernames),
                    table.c.username.in_(own_usernames),
                    table.c.email_key.in_(emails),
                ),
            )
            .order_by(table.c.id)
            .with_for_update(key_share=True)
        )
        for row in found.mappings():
            self._load(dict(row))

    def put(self, draft: ContactDraft) -> Id | Refusal:
        if draft.external_username is None and draft.email is None:
            return Refusal(
                ErrorCode.INVALID,
                "Give an externalUsername or an email: a contact is known by one of them.",
                ("externalUsername",),
            )
        match = None
        if draft.external_username is not None:
            match = self.names.get(("external_username", draft.external_username))
        if match is None and draft.email is not None:
            match = self.names.get(("email", fold_email(draft.email)))
            # Another contact of the partner's: the same e-mail does not make it this one.
            if (
                match is not None
                and draft.external_username is not None
                and self.by_id[match]["external_username"] is not None
            ):
                return self._taken("email", draft.email, match)
        if match is None:
            return self.make(draft, ContactSource.REGISTERED)
        if self.by_id[match].get("deleted_at") is not None:
            named = ("externalUsername", draft.external_username)
            if draft.external_username is None:
                named = ("email", draft.email)
            return self._taken(named[0], named[1] or "", match)
        return self._change(match, draft)

    def make(self, draft: ContactDraft, source: ContactSource) -> Id | Refusal:
        refusal = self._refusal(draft, own=None)
        if refusal is not None:
            return refusal
        link = None
        if draft.referred_by_code is not None:
            link = self.links.get(draft.referred_by_code)
            if link is None:
                return Refusal(
                    ErrorCode.NOT_FOUND,
                    f'No link has the code "{draft.referred_by_code}": '
                    "send the code that the link carried, or leave it out.",
                    ("referredByCode",),
                )
            source = ContactSource.REFERRED
        row: dict[str, Any] = {name: getattr(draft, name) for name in _TEXTS}
        status = draft.status or ContactStatus.NONE
        row |= {
            "id": new_id(),
            "status": status,
            "source": source,
            "created_at": self.now,
            "active_at": self.now,
            "last_interaction_at": None if link is None else self.now,
            "converted_at": None,
            "referred_by_id": None if link is None else link.contact_id,
            **_derived(row),
        }
        if draft.referred_by_code is not None:
            self.sign_ups.append(SignUp(row["id"], draft.referred_by_code))
        self.new.add(row["id"])
        self._know(row)
        self.moves.append(Move(row["id"], None, status))
        return bytes(row["id"])

    def edit(self, own: Id, asked: ContactEdit) -> Id | Refusal:
        row = self.by_id.get(own)
        if row is None or row["deleted_at"] is not None:
            return Refusal(ErrorCode.NOT_FOUND, "This workspace has no such contact.", ("id",))
        texts = asked.texts
        refusal = self._refusal(asked.draft(), own=own)
        if refusal is not None:
            return refusal
        if not any({**row, **texts}[name] for name in _NAMES):
            return Refusal(
                ErrorCode.INVALID,
                "Nothing would be left that the contact is known by: "
                "keep an email, a username or an externalUsername.",
                ("id",),
            )
        before = {name: row[name] for name in _TEXTS}
        if any(before[name] != value for name, value in texts.items()):
            row.update(texts)
            self._rewrite(own, before)
        return own

    def _change(self, own: Id, draft: ContactDraft) -> Id | Refusal:
        refusal = self._refusal(draft, own=own)
        if refusal is not None:
            return refusal
        row = self.by_id[own]
        before = {name: row[name] for name in _TEXTS}
        for name in _TEXTS:
            value = getattr(draft, name)
            if value is not None:
                row[name] = value
        is_same = all(row[name] == before[name] for name in _TEXTS)
        if draft.status is not None and draft.status != row["status"]:
            moved = move(own, ContactStatus(row["status"]), draft.status, row["converted_at"])
            row["status"] = draft.status
            self.moves.append(moved)
            if moved.converts:
                row["converted_at"] = self.now
            is_same = False
        if not is_same:
            self._rewrite(own, before)
        return own

    def _rewrite(self, own: Id, before: dict[str, Any]) -> None:
        row = self.by_id[own]
        row |= _derived(row)
        self._forget(own, before)
        self._know(row)
        self.changed.add(own)

    def _refusal(self, draft: ContactDraft, own: Id | None) -> Refusal | None:
        for field, value, name in (
            ("externalUsername", draft.external_username, "external_username"),
            ("username", draft.username, "username"),
        ):
            owner = self.names.get((name, value)) if value is not None else None
            if value is not None and owner is not None and owner != own:
                return self._taken(field, value, owner)
        if draft.email is not None:
            owner = self.names.get(("email", fold_email(draft.email)))
            if owner is not None and owner != own:
                return self._taken("email", draft.email, owner)
        return None

    def _taken(self, field: str, value: str, owner: Id) -> Refusal:
        deleted_at = self.by_id[owner].get("deleted_at")
        return _duplicate(field, value) if deleted_at is None else _held(field, value, deleted_at)

    def _load(self, row: dict[str, Any]) -> None:
        """Know a row; one that was deleted for good has its names until another wants them."""
        if row["deleted_at"] is None or row["deleted_at"] + UNDOABLE_FOR > self.now:
            self._know(row)
        else:
            self.released.update(dict.fromkeys(_unique(row), row["id"]))

    def _know(self, row: dict[str, Any]) -> None:
        self.by_id[row["id"]] = row
        for key in _unique(row):
            self.names[key] = row["id"]
            if key in self.released:
                self.given_up.append((key[0], self.released.pop(key)))

    def _forget(self, own: Id, before: dict[str, Any]) -> None:
        kept = _unique(self.by_id[own])
        for key in _unique({**before, "email_key": _email_key(before)}):
            if key not in kept and self.names.get(key) == own:
                del self.names[key]
                self.renamed.add(own)

    async def write(self, connection: Connection) -> Appended:
        table = tables.contacts
        if self.given_up:
            await contact_deletions.give_up(connection, self.workspace_id, self.given_up)
        if self.renamed - self.new:
            # Another of the batch may take a name that is given up: it has to be free by then.
            await connection.execute(
                update(table)
                .where(
                    table.c.workspace_id == self.workspace_id,
                    table.c.id.in_(self.renamed - self.new),
                )
                .values(external_username=None, username=None, email_key=None)
            )
        if self.new:
            await connection.execute(
                table.insert(),
                [{"workspace_id": self.workspace_id, **self.by_id[one]} for one in self.new],
            )
        changed = sorted(self.changed - self.new)
        if changed:
            names = [*_TEXTS, "email_key", "search", "last_name_key", "status", "converted_at"]
            await connection.execute(
                update(table)
                .where(table.c.workspace_id == self.workspace_id, table.c.id == bindparam("b_id"))
                .values({name: bindparam(name) for name in names}),
                [
                    {"b_id": one, **{name: self.by_id[one].get(name) for name in names}}
                    for one in changed
                ],
            )
        batch = Batch(self.now)
        for one in self.by_id:
            if one in self.new or one in self.changed:
                change = "CONTACT_CREATED" if one in self.new else "CONTACT_CHANGED"
                batch.fact(self.by, self.now, change=change, contact_id=one)
        await referral_links.sign_up(
            connection, self.workspace_id, self.sign_ups, self.links, batch, by=self.by
        )
        return await contact_statuses.write(
            connection, self.workspace_id, self.moves, batch, by=self.by, now=self.now
        )


def _unique(row: dict[str, Any]) -> list[tuple[str, str]]:
    keys = [
        ("external_username", row["external_username"]),
        ("username", row["username"]),
        ("email", row["email_key"]),
    ]
    return [(name, value) for name, value in keys if value is not None]


def _email_key(row: dict[str, Any]) -> str | None:
    return None if row["email"] is None else fold_email(row["email"])


def _derived(row: dict[str, Any]) -> dict[str, Any]:
    name = " ".join(one for one in (row["first_name"], row["last_name"]) if one)
    return {
        "email_key": _email_key(row),
        "search": search_text(
            name, row["last_name"], row["username"], row["external_username"], row["email"]
        ),
        "last_name_key": fold(row["last_name"] or ""),
    }


def _held(field: str, value: str, deleted_at: Instant) -> Refusal:
    until = datetime.fromtimestamp((deleted_at + UNDOABLE_FOR) / SECOND, UTC)
    return Refusal(
        ErrorCode.DUPLICATE_EMAIL if field == "email" else ErrorCode.DUPLICATE_USERNAME,
        f'A contact with the {"e-mail" if field == "email" else field} "{value}" was deleted, and '
        f"keeps it as long as it can be restored: restore it, or try again after "
        f"{until:%Y-%m-%d %H:%M} UTC.",
        (field,),
    )


def _duplicate(field: str, value: str) -> Refusal:
    if field == "email":
        return Refusal(
            ErrorCode.DUPLICATE_EMAIL,
            f'Another contact has the e-mail "{value}" (upper and lower case are the same): '
            "use that contact, or give another address.",
            ("email",),
        )
    return Refusal(
        ErrorCode.DUPLICATE_USERNAME,
        f'Another contact has the {field} "{value}": use that contact, or give another name.',
        (field,),
    )
