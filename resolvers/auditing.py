"""Auditing: keeping who did what, in the transaction that does it, and showing it."""

from typing import Any

from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, audit, rows
from store.entities import AUDIT_RECORD
from store.filters import AuditFilter
from store.lists import Count, Order, Page, PageRequest
from store.types import Id
from store.want import Want
from store.words import Scope

_records: Reader[rows.AuditRecord, AuditFilter] = Reader(AUDIT_RECORD)

pages = _records.pages


async def page(
    context: Context, filter: AuditFilter, order: Order, request: PageRequest, want: Want
) -> Page[rows.AuditRecord]:
    context.require(Scope.ADMIN)
    return await _records.page(context, filter, order, request, want)


async def count(context: Context, filter: AuditFilter) -> Count:
    context.require(Scope.ADMIN)
    return await _records.count(context, filter)


async def note(
    connection: Connection,
    context: Context,
    action: str,
    *,
    affected: int = 1,
    **detail: Id | str | list[str] | None,
) -> None:
    """Keep that the token's holder did it. `detail`: ids and words of ours, never anything that
    somebody wrote, since it outlives whom it is about; what is None is left out."""
    await audit.note(
        connection,
        context.workspace_id,
        action,
        by=context.viewer.token_name,
        affected=affected,
        detail={name: _plain(value) for name, value in detail.items() if value is not None},
        now=context.now(),
    )


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
