"""Log cursors: the places of the log's rows, as clients get them and hand them back."""

from resolvers.context import Context
from store import log, rows
from subscriptions.cursors import LogCursor

_EPOCH = "epoch of the log"


def remember_epoch(context: Context, epoch: bytes) -> None:
    """Rows that were read with this epoch need not ask for it."""
    context.loaders[_EPOCH] = epoch


async def of_row(context: Context, row: rows.Activity | rows.DeliveryEvent) -> str:
    """The place behind the row."""
    epoch: bytes | None = context.loaders.get(_EPOCH)
    if epoch is None:
        async with context.database.read() as connection:
            epoch = (await log.head(connection, context.workspace_id)).epoch
        remember_epoch(context, epoch)
    return LogCursor(epoch, row.seq, row.recorded_at, row.nonce).encode(context.signer)
