"""Contact choices: the reward that a contact wants, and the channels that it agreed to."""

from collections.abc import Mapping

from sqlalchemy import or_, select, update

from store import earnings, tables
from store.database import Connection
from store.dialects import insert
from store.ingest.batch import RewardChoice
from store.refusals import Refusal
from store.types import Id, Instant
from store.words import Channel, ErrorCode

_FIELD = ("preferredRewardId",)


async def choose_reward(
    connection: Connection,
    workspace_id: int,
    contact_id: Id,
    reward_id: Id | None,
    now: Instant,
) -> Refusal | None:
    """Prefer this reward, None for no preference, whatever the contact chose up to now."""
    contacts, rewards = tables.contacts, tables.rewards
    if reward_id is None:
        await _choose_none(connection, workspace_id, contact_id, now)
    else:
        found = await connection.execute(
            select(rewards.c.name, rewards.c.is_archived, rewards.c.journey_id).where(
                rewards.c.workspace_id == workspace_id, rewards.c.id == reward_id
            )
        )
        row = found.first()
        if row is None:
            return Refusal(ErrorCode.NOT_FOUND, "This workspace has no such reward.", _FIELD)
        if row[1]:
            return Refusal(
                ErrorCode.INVALID,
                f'The reward "{row[0]}" is given no more: choose one that its journey has.',
                _FIELD,
            )
        choice = RewardChoice(contact_id, row[2], reward_id, now)
        await earnings.keep_choices(connection, workspace_id, [choice])
    await connection.execute(
        update(contacts)
        .where(contacts.c.workspace_id == workspace_id, contacts.c.id == contact_id)
        .values(preferred_reward_id=reward_id, preferred_reward_at=now)
    )
    return None


async def _choose_none(
    connection: Connection, workspace_id: int, contact_id: Id, now: Instant
) -> None:
    """From now on each journey gives its first."""
    choices = tables.reward_choices
    found = await connection.execute(
        select(choices.c.journey_id)
        .distinct()
        .where(choices.c.workspace_id == workspace_id, choices.c.contact_id == contact_id)
    )
    none = [RewardChoice(contact_id, row[0], None, now) for row in found]
    await earnings.keep_choices(connection, workspace_id, none)


async def consent(
    connection: Connection,
    workspace_id: int,
    contact_id: Id,
    consents: Mapping[Channel, bool],
    *,
    source: str,
    now: Instant,
) -> None:
    """Keep what the contact agreed to, by channel; what it had said before stays as it was said."""
    table = tables.contact_consents
    statement = insert(connection, table)
    new = statement.excluded
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "contact_id", "channel"],
            set_={name: new[name] for name in ("is_subscribed", "since", "source")},
            where=or_(
                table.c.is_subscribed.is_(True) & new.is_subscribed.is_(False),
                table.c.is_subscribed.is_(False) & new.is_subscribed.is_(True),
            ),
        ),
        [
            {
                "workspace_id": workspace_id,
                "contact_id": contact_id,
                "channel": channel,
                "is_subscribed": is_subscribed,
                "since": now,
                "source": source,
            }
            for channel, is_subscribed in sorted(consents.items())
        ],
    )
