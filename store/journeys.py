"""Journeys: registering one with its steps, surveys and rewards."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select, update

from store import tables
from store.database import Connection
from store.dialects import insert
from store.drafts import JourneyDraft, SurveyDraft
from store.folding import search_text
from store.ingest.loading import find_resources
from store.types import Id, Instant, new_id


async def upsert(
    connection: Connection, workspace_id: int, draft: JourneyDraft, now: Instant
) -> Id:
    """Make or change the journey of this external id. What the draft leaves out is archived, for
    people are on it; surveys and rewards that are None stay as they are."""
    table = tables.journeys
    values: dict[str, Any] = {
        "name": draft.name,
        "search": search_text(draft.name, draft.external_id),
        "status": draft.status,
        "landing_url": draft.landing_url,
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "updated_at": now,
    }
    statement = insert(connection, table)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "external_id"],
            set_={name: statement.excluded[name] for name in values},
        ),
        {
            "workspace_id": workspace_id,
            "id": new_id(),
            "external_id": draft.external_id,
            "created_at": now,
            **values,
        },
    )
    journey_id: Id = (
        await connection.execute(
            select(table.c.id).where(
                table.c.workspace_id == workspace_id, table.c.external_id == draft.external_id
            )
        )
    ).scalar_one()
    parts = _Parts(connection, workspace_id)
    await parts.steps(journey_id, draft)
    if draft.surveys is not None:
        await parts.surveys(journey_id, draft.surveys)
    if draft.rewards is not None:
        await parts.keep(
            tables.rewards,
            {"journey_id": journey_id},
            [
                {"key": one.key, "name": one.name, "value": one.value, "position": position}
                for position, one in enumerate(draft.rewards)
            ],
        )
    return journey_id


class _Parts:
    """What belongs to a journey, each known by its key: kept, changed, added or archived."""

    def __init__(self, connection: Connection, workspace_id: int) -> None:
        self.connection, self.workspace_id = connection, workspace_id

    async def keep(
        self, table: Table, owner: Mapping[str, Id], rows: Sequence[dict[str, Any]]
    ) -> dict[str, Id]:
        """Write the rows of an owner and archive its others. Returns the ids by key."""
        own = (
            table.c.workspace_id == self.workspace_id,
            *(table.c[name] == one for name, one in owner.items()),
        )
        if rows:
            statement = insert(self.connection, table)
            changed = [name for name in rows[0] if name != "key"]
            unique = next(
                index for index in table.indexes if index.unique and "key" in index.columns
            )
            await self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[column.name for column in unique.columns],
                    set_={name: statement.excluded[name] for name in [*changed, "is_archived"]},
                ),
                [
                    {
                        "workspace_id": self.workspace_id,
                        "id": new_id(),
                        "is_archived": False,
                        **owner,
                        **row,
                    }
                    for row in rows
                ],
            )
        await self.connection.execute(
            update(table)
            .where(*own, table.c.key.not_in([row["key"] for row in rows]))
            .values(is_archived=True)
        )
        found = await self.connection.execute(select(table.c.key, table.c.id).where(*own))
        return dict(found.all())

    async def steps(self, journey_id: Id, draft: JourneyDraft) -> None:
        resources: dict[tuple[str, str], Id] = {}
        named = {
            (step.channel.value, step.resource)
            for step in draft.steps
            if step.channel is not None and step.resource is not None
        }
        await find_resources(self.connection, self.workspace_id, named, resources)
        await self.keep(
            tables.journey_steps,
            {"journey_id": journey_id},
            [
                {
                    "key": step.key,
                    "name": step.name,
                    "position": position,
                    "channel": step.channel,
                    "resource_id": None
                    if step.channel is None or step.resource is None
                    else resources[step.channel.value, step.resource],
                    "patience_seconds": step.patience_seconds,
                }
                for position, step in enumerate(draft.steps)
            ],
        )

    async def surveys(self, journey_id: Id, surveys: Sequence[SurveyDraft]) -> None:
        owner = {"journey_id": journey_id}
        ids = await self.keep(
            tables.surveys,
            owner,
            [
                {"key": one.key, "name": one.name, "position": position}
                for position, one in enumerate(surveys)
            ],
        )
        questions = [(ids[survey.key], one) for survey in surveys for one in survey.questions]
        question_ids = await self.keep(
            tables.survey_questions,
            owner,
            [
                {"key": one.key, "text": one.text, "position": position, "survey_id": survey_id}
                for position, (survey_id, one) in enumerate(questions)
            ],
        )
        for _, question in questions:
            await self.keep(
                tables.survey_choices,
                {"question_id": question_ids[question.key]},
                [
                    {"key": one.key, "text": one.text, "position": position}
                    for position, one in enumerate(question.choices)
                ],
            )
