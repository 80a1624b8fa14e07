"""Webhooks: which addresses are told of what happens to entries."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from resolvers import addresses, auditing
from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, lists, rows, webhooks
from store.entities import WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT
from store.filters import WebhookDeliveryFilter
from store.lists import Order, PageRequest
from store.refusals import Refusal
from store.types import Id
from store.want import Want
from store.words import ActivityKind, ErrorCode, Scope

AT_MOST = 20
_SECRET_BYTES = 32

_deliveries: Reader[rows.WebhookDelivery, WebhookDeliveryFilter] = Reader(WEBHOOK_DELIVERY)


class deliveries:  # noqa: N801  A noun within the noun, with the words that lists are read by.
    page = _deliveries.page
    pages = _deliveries.pages
    count = _deliveries.count


@dataclass(frozen=True, slots=True)
class Created:
    """The secret is known at this moment alone."""

    id: Id
    secret: str


async def all_endpoints(context: Context, want: Want) -> list[rows.WebhookEndpoint]:
    """Those that were not removed, the oldest first."""
    context.require(Scope.ADMIN)
    async with context.database.read() as connection:
        page = await lists.page(
            connection,
            WEBHOOK_ENDPOINT,
            context.workspace_id,
            None,
            Order("id", is_descending=False),
            PageRequest(AT_MOST),
            want,
        )
    return page.rows


async def get(context: Context, id: Id, want: Want) -> rows.WebhookEndpoint | None:
    context.require(Scope.ADMIN)
    async with context.database.read() as connection:
        return await lists.get(connection, WEBHOOK_ENDPOINT, context.workspace_id, want, id=id)


async def create(context: Context, url: str, kinds: Sequence[ActivityKind]) -> Created | Refusal:
    """Tell an address of these kinds of activities, from now on."""
    context.require(Scope.ADMIN)
    if not kinds:
        return Refusal(
            ErrorCode.EMPTY_SELECTION, "No kind is chosen: give at least one.", ("kinds",)
        )
    problem = await addresses.refusal(url, allows_private=not context.refuses_private_addresses)
    if problem is not None:
        return Refusal(ErrorCode.INVALID, problem, ("url",))
    # As https://www.standardwebhooks.com has it.
    secret = "whsec_" + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()

    async def work(connection: Connection) -> Created | Refusal:
        if await webhooks.count(connection, context.workspace_id) >= AT_MOST:
            return Refusal(
                ErrorCode.TOO_MANY,
                f"There are {AT_MOST} endpoints, the most that a workspace may have: remove one.",
            )
        endpoint_id = await webhooks.create(
            connection,
            context.workspace_id,
            url=url,
            kinds=tuple(dict.fromkeys(kinds)),
            secret=secret,
            by=context.viewer.token_name,
            now=context.now(),
        )
        await auditing.note(connection, context, "createWebhookEndpoint", endpoint=endpoint_id)
        return Created(endpoint_id, secret)

    return await context.database.transact(work)


async def remove(context: Context, id: Id) -> Refusal | None:
    """End an endpoint, with what was still to be sent to it."""
    context.require(Scope.ADMIN)

    async def work(connection: Connection) -> bool:
        is_removed = await webhooks.remove(connection, context.workspace_id, id, context.now())
        if is_removed:
            await auditing.note(connection, context, "removeWebhookEndpoint", endpoint=id)
        return is_removed

    if await context.database.transact(work):
        return None
    return Refusal(ErrorCode.NOT_FOUND, "This workspace has no such endpoint.", ("id",))
