"""createWebhookEndpoint and removeWebhookEndpoint: whom to tell of what happens to entries."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import webhooks
from schema import ids
from schema.enums import ActivityKind
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.limits import Refused, readable
from schema.scalars import URL
from schema.selection import below
from schema.types.webhook import WebhookEndpoint
from store import rows
from store.refusals import Refusal


@strawberry.input(description="A new webhook endpoint.")
class CreateWebhookEndpointInput:
    url: URL = strawberry.field(
        description="Where to tell it; in production an address on the public internet."
    )
    kinds: list[ActivityKind] = strawberry.field(
        description="Of what to tell; at least one. STOPPED and STOP_UNDONE let a partner follow "
        "what operators do."
    )


@strawberry.type(description="The new endpoint.")
class CreateWebhookEndpointPayload:
    endpoint: WebhookEndpoint | None = plain("The endpoint; null when it was refused.")
    secret: str | None = plain(
        "The secret with which what it is told is signed: whsec_ and base64. It is shown this once."
    )
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@strawberry.type(description="Whether it is gone.")
class RemovePayload:
    removed: bool = plain("True when it was there, and is not any more.")
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Created:
    endpoint: rows.WebhookEndpoint | None = None
    secret: str | None = None
    user_errors: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    removed: bool
    user_errors: tuple[Refusal, ...] = ()


async def create_webhook_endpoint(
    info: Info,
    input: Annotated[CreateWebhookEndpointInput, strawberry.argument(description="The endpoint.")],
) -> Created:
    try:
        url = readable(input.url, ("url",))
    except Refused as refused:
        return Created(user_errors=(refused.refusal,))
    done = await webhooks.create(info.context, url, input.kinds)
    if isinstance(done, Refusal):
        return Created(user_errors=(done,))
    endpoint = await webhooks.get(info.context, done.id, below(info, "endpoint").want)
    return Created(endpoint, done.secret)


async def remove_webhook_endpoint(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The endpoint, by id.")],
) -> Removed:
    refusal = await webhooks.remove(info.context, ids.parse(id, ids.WEBHOOK_ENDPOINT))
    return Removed(refusal is None, () if refusal is None else (refusal,))
