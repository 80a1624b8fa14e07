"""Mutations of connectors and dead letters: what providers report, and how."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import connectors, dead_letters
from resolvers.connector_secrets import MEANING
from resolvers.dead_letters import Replaying
from schema import ids
from schema.enums import Channel
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.mutations.cancel_job import Done, answered
from schema.mutations.webhook_endpoints import Removed
from schema.selection import below
from schema.types.connector import Connector
from store import rows
from store.refusals import Refusal

_CHANNEL = (
    "Of which messages it reports. Null or left out: EMAIL for sendgrid, mailgun, ses and "
    "postmark, WHATSAPP for whatsapp, any for twilio and standard. A channel over which the "
    "provider does not send is refused."
)
_SECRETS = "; ".join(f"{provider}: {what}" for provider, what in MEANING.items())


@strawberry.input(description="A new connector.")
class CreateConnectorInput:
    provider: str = strawberry.field(description=f"Who reports: {', '.join(MEANING)}.")
    name: str = strawberry.field(
        description=f"Its name, at most {connectors.NAME_AT_MOST} characters, unique among the "
        "workspace's connectors; its events have it as their source."
    )
    secret: str = strawberry.field(
        description=f"What the provider signs with. {_SECRETS}. It is kept encrypted, and never "
        "shown."
    )

    channel: Channel | None = strawberry.field(default=strawberry.UNSET, description=_CHANNEL)


@strawberry.type(description="The new connector.")
class CreateConnectorPayload:
    connector: Connector | None = plain("The connector; null when it was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@strawberry.type(description="The connector with its channel.")
class SetConnectorChannelPayload:
    connector: Connector | None = plain("The connector; null when it was refused.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@strawberry.input(description="The dead letters to read again: by both, where both are given.")
class ReplayDeadLettersInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {dead_letters.AT_MOST:,}; left out, all that there are.",
    )
    connector_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that came by this connector."
    )


@dataclass(frozen=True, slots=True)
class Created:
    connector: rows.Connector | None = None
    user_errors: tuple[Refusal, ...] = ()


async def create_connector(
    info: Info,
    input: Annotated[CreateConnectorInput, strawberry.argument(description="The connector.")],
) -> Created:
    done = await connectors.create(
        info.context, input.provider, input.name, input.secret, input.channel or None
    )
    if isinstance(done, Refusal):
        return Created(user_errors=(done,))
    return Created(await connectors.get(info.context, done, below(info, "connector").want))


async def set_connector_channel(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The connector, by id.")],
    channel: Annotated[
        Channel | None, strawberry.argument(description=_CHANNEL)
    ] = strawberry.UNSET,
) -> Created:
    own = ids.parse(id, ids.CONNECTOR)
    refusal = await connectors.set_channel(info.context, own, channel or None)
    if refusal is not None:
        return Created(user_errors=(refusal,))
    return Created(await connectors.get(info.context, own, below(info, "connector").want))


async def remove_connector(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The connector, by id.")],
) -> Removed:
    refusal = await connectors.remove(info.context, ids.parse(id, ids.CONNECTOR))
    return Removed(refusal is None, () if refusal is None else (refusal,))


async def replay_dead_letters(
    info: Info,
    input: Annotated[ReplayDeadLettersInput, strawberry.argument(description="Which ones.")],
) -> Done:
    chosen = Replaying(
        ids.parse_all(input.ids, ids.DEAD_LETTER) if isinstance(input.ids, list) else None,
        ids.parse(input.connector_id, ids.CONNECTOR) if input.connector_id else None,
    )
    done = await dead_letters.replay(info.context, chosen)
    if isinstance(done, Refusal):
        return Done(user_errors=(done,))
    return Done(await answered(info, done))
