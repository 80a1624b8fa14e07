"""Referral links: a contact's own links into journeys, their codes, and who came by them."""

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from sqlalchemy import and_, bindparam, or_, select, update

from store import labels, tables
from store.database import Connection
from store.dialects import insert
from store.ingest.batch import Batch
from store.types import Id, Instant, new_id
from store.words import LinkKind, RedemptionKind

# Without letters and digits that look alike when they are read out.
_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANDOM_LETTERS = 10
"""58 bits: a code is guessed by nobody."""

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Link:
    """A link that a code names."""

    contact_id: Id
    journey_id: Id
    kind: LinkKind


@dataclass(frozen=True, slots=True)
class SignUp:
    """A contact that is new, and the code with which it came."""

    contact_id: Id
    code: str


def new_code(workspace_id: int) -> str:
    """It names its workspace, so that looking it up stays within one."""
    number, digits = workspace_id, ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits + "-" + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM_LETTERS))


def workspace_of(code: str) -> int | None:
    """The workspace of a code; None for what is none."""
    digits, _, random = code.partition("-")
    if not 1 <= len(digits) <= 12 or len(random) != _RANDOM_LETTERS:
        return None
    if not set(digits) <= set(_DIGITS) or not set(random) <= set(_LETTERS):
        return None
    return int(digits, 36)


async def make(
    connection: Connection,
    workspace_id: int,
    journey_id: Id,
    contact_ids: Sequence[Id],
    kinds: Collection[LinkKind],
    now: Instant,
) -> int:
    """Make the links that these contacts do not have yet; returns how many are new."""
    table = tables.referral_links
    made = 0
    wanted = set(product(contact_ids, kinds))
    for _ in range(_TRIES):
        found = await connection.execute(
            select(table.c.contact_id, table.c.kind).where(
                table.c.workspace_id == workspace_id,
                table.c.contact_id.in_(contact_ids),
                table.c.journey_id == journey_id,
            )
        )
        missing = sorted(wanted - {(row[0], LinkKind(row[1])) for row in found})
        if not missing:
            return made
        # Another may make the same at this moment; and a code may, once in an age, be taken.
        done = await connection.execute(
            insert(connection, table).on_conflict_do_nothing().returning(table.c.code),
            [
                {
                    "workspace_id": workspace_id,
                    "code": new_code(workspace_id),
                    "id": new_id(),
                    "contact_id": contact_id,
                    "journey_id": journey_id,
                    "kind": kind,
                    "visits": 0,
                    "sign_ups": 0,
                    "created_at": now,
                }
                for contact_id, kind in missing
            ],
        )
        made += len(done.all())
    raise AssertionError("No free code was found.")


async def target(
    connection: Connection, workspace_id: int, code: str, kind: LinkKind
) -> str | None:
    """The landing URL of the journey into which the link leads; None for none."""
    links, journeys = tables.referral_links, tables.journeys
    found = await connection.execute(
        select(journeys.c.landing_url)
        .join(
            links,
            and_(
                links.c.workspace_id == journeys.c.workspace_id,
                links.c.journey_id == journeys.c.id,
            ),
        )
        .where(links.c.workspace_id == workspace_id, links.c.code == code, links.c.kind == kind)
    )
    return found.scalar()


async def visit(connection: Connection, workspace_id: int, code: str) -> None:
    """Count that somebody followed the link."""
    links = tables.referral_links
    await connection.execute(
        update(links)
        .where(links.c.workspace_id == workspace_id, links.c.code == code)
        .values(visits=links.c.visits + 1)
    )


async def find(connection: Connection, workspace_id: int, codes: Iterable[str]) -> dict[str, Link]:
    """The links behind codes."""
    table = tables.referral_links
    found = await connection.execute(
        select(table.c.code, table.c.contact_id, table.c.journey_id, table.c.kind).where(
            table.c.workspace_id == workspace_id, table.c.code.in_(sorted(codes))
        )
    )
    return {row[0]: Link(row[1], row[2], LinkKind(row[3])) for row in found}


async def sign_up(
    connection: Connection,
    workspace_id: int,
    sign_ups: Sequence[SignUp],
    links: dict[str, Link],
    batch: Batch,
    *,
    by: str,
) -> None:
    """Count who came by links, and redeem for those who shared them the promos of the journeys.

    The rows of all these contacts are locked and written.
    """
    if not sign_ups:
        return
    table, now = tables.referral_links, batch.now
    counted = Counter(one.code for one in sign_ups)
    await connection.execute(
        update(table)
        .where(table.c.workspace_id == workspace_id, table.c.code == bindparam("b_code"))
        .values(sign_ups=table.c.sign_ups + bindparam("b_number")),
        [{"b_code": code, "b_number": number} for code, number in sorted(counted.items())],
    )
    labelled = [(links[one.code].journey_id, one.contact_id) for one in sign_ups]
    promos = tables.promos
    found = await connection.execute(
        select(promos.c.id, promos.c.journey_id, promos.c.external_id).where(
            promos.c.workspace_id == workspace_id,
            promos.c.journey_id.in_({journey_id for journey_id, _ in labelled}),
        )
    )
    kind = RedemptionKind.REFERRED_FRIEND
    redeemed: dict[tuple[Id, Id], str] = {}
    for promo_id, journey_id, external_id in found:
        for code in counted:
            if links[code].journey_id == journey_id:
                redeemed[links[code].contact_id, promo_id] = external_id
                labelled += [
                    (label, links[code].contact_id)
                    for label in labels.of_redemption(promo_id, kind)
                ]
    if redeemed:
        await _redeem(connection, workspace_id, list(redeemed), kind, now)
    for (contact_id, _), external_id in sorted(redeemed.items()):
        batch.fact(
            by,
            now,
            change="PROMO_REDEEMED",
            contact_id=contact_id,
            detail={"promo": external_id, "kind": kind},
        )
    await labels.add(connection, workspace_id, labelled)


async def _redeem(
    connection: Connection,
    workspace_id: int,
    redeemed: Sequence[tuple[Id, Id]],
    kind: RedemptionKind,
    now: Instant,
) -> None:
    contacts = tables.contacts
    await connection.execute(
        insert(connection, tables.promo_redemptions).on_conflict_do_nothing(),
        [
            {
                "workspace_id": workspace_id,
                "contact_id": contact_id,
                "promo_id": promo_id,
                "kind": kind,
                "at": now,
            }
            for contact_id, promo_id in sorted(redeemed)
        ],
    )
    last = contacts.c.last_interaction_at
    await connection.execute(
        update(contacts)
        .where(
            contacts.c.workspace_id == workspace_id,
            contacts.c.id.in_({contact_id for contact_id, _ in redeemed}),
            or_(last.is_(None), last < now),
        )
        .values(last_interaction_at=now, active_at=now)
    )
