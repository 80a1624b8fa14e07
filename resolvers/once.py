"""Once: a mutation whose first result is kept by the caller's key."""

from collections.abc import Awaitable, Callable
from typing import Any

from resolvers.context import Context
from store import Connection, idempotency
from store.refusals import Refusal

Act = Callable[[Connection], Awaitable[Any]]
"""What the mutation does in its transaction; returns JSON, or a Refusal."""


async def once(context: Context, mutation: str, key: str | None, said: object, act: Act) -> Any:
    """Act in one transaction, or answer what the same key and input were answered first.

    `said`: a value whose repr is all of the input. Refusals are not kept: they may be mended.
    """
    if key is None:
        return await context.database.transact(act)
    digest = idempotency.digest(said)

    async def work(connection: Connection) -> Any:
        now, workspace_id = context.now(), context.workspace_id
        first = await idempotency.recall(connection, workspace_id, mutation, key, digest, now)
        if first is not None:
            return first
        result = await act(connection)
        if not isinstance(result, Refusal):
            await idempotency.remember(connection, workspace_id, mutation, key, digest, result, now)
        return result

    return await context.database.transact(work)
