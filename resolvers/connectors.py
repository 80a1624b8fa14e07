"""Connectors: by which addresses providers report what became of messages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct

from resolvers import auditing, connector_channels, connector_secrets
from resolvers.context import Context
from store import Connection, Database, audit, connectors, lists, rows
from store.connectors import Connector
from store.entities import CONNECTOR
from store.lists import Order, PageRequest
from store.refusals import Refusal
from store.types import Id, Instant, new_id
from store.want import Want
from store.words import Channel, ErrorCode, Provider, Scope
from subscriptions.signing import Signer

AT_MOST = 100
NAME_AT_MOST = 200
_PLACE = Struct(">Q16s")
_UNKNOWN = Refusal(ErrorCode.NOT_FOUND, "This workspace has no such connector.", ("id",))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hook's path leads."""

    workspace_id: int
    connector_id: Id


async def all_connectors(context: Context, want: Want) -> list[rows.Connector]:
    """Those that were not removed, the oldest first."""
    context.require(Scope.ADMIN)
    async with context.database.read() as connection:
        page = await lists.page(
            connection,
            CONNECTOR,
            context.workspace_id,
            None,
            Order("id", is_descending=False),
            PageRequest(AT_MOST),
            want,
        )
    return page.rows


async def get(context: Context, id: Id, want: Want) -> rows.Connector | None:
    context.require(Scope.ADMIN)
    async with context.database.read() as connection:
        return await lists.get(connection, CONNECTOR, context.workspace_id, want, id=id)


async def create(
    context: Context, provider: str, name: str, secret: str, channel: Channel | None
) -> Id | Refusal:
    """Take reports of a provider from now on."""
    context.require(Scope.ADMIN)
    return await register(
        context.database,
        context.signer,
        context.workspace_id,
        provider=provider,
        name=name,
        secret=secret,
        channel=channel,
        by=context.viewer.token_name,
        now=context.now,
    )


async def register(
    database: Database,
    signer: Signer,
    workspace_id: int,
    *,
    provider: str,
    name: str,
    secret: str,
    channel: Channel | None,
    by: str,
    now: Callable[[], Instant],
) -> Id | Refusal:
    """A connector, for whoever may make one."""
    try:
        known = Provider(provider)
    except ValueError:
        return Refusal(
            ErrorCode.INVALID,
            f'There is no provider "{provider[:40]}": there are {", ".join(Provider)}.',
            ("provider",),
        )
    if not name.strip() or len(name) > NAME_AT_MOST or not name.isprintable():
        return Refusal(
            ErrorCode.INVALID,
            f"name: 1 to {NAME_AT_MOST} characters, as reports show it.",
            ("name",),
        )
    problem = connector_secrets.problem(known, secret)
    if problem is not None:
        return Refusal(ErrorCode.INVALID, problem, ("secret",))
    settled = connector_channels.settle(known, channel)
    if isinstance(settled, Refusal):
        return settled
    connector_id = new_id()
    hidden = signer.hide(_hiding(Place(workspace_id, connector_id)), secret.encode())

    async def work(connection: Connection) -> Id | Refusal:
        if await connectors.count(connection, workspace_id) >= AT_MOST:
            return Refusal(
                ErrorCode.TOO_MANY,
                f"There are {AT_MOST} connectors, the most that a workspace may have: remove one.",
            )
        is_made = await connectors.create(
            connection,
            workspace_id,
            connector_id,
            provider=known,
            name=name,
            channel=settled,
            hidden_secret=hidden,
            now=now(),
        )
        if is_made:
            await audit.note(
                connection,
                workspace_id,
                "createConnector",
                by=by,
                affected=1,
                detail={"connector": connector_id.hex(), "provider": known},
                now=now(),
            )
            return connector_id
        return Refusal(
            ErrorCode.CONFLICT,
            f'There is a connector "{name}": remove it first, or give this one another name.',
            ("name",),
        )

    return await database.transact(work)


async def set_channel(context: Context, id: Id, channel: Channel | None) -> Refusal | None:
    """Report on messages of that channel from now on; None: on those of all the provider's."""
    context.require(Scope.ADMIN)
    workspace_id = context.workspace_id

    async def work(connection: Connection) -> Refusal | None:
        connector = (await connectors.find_many(connection, workspace_id, [id])).get(id)
        if connector is None or connector.is_removed:
            return _UNKNOWN
        settled = connector_channels.settle(connector.provider, channel)
        if isinstance(settled, Refusal):
            return settled
        await connectors.set_channel(connection, workspace_id, id, settled)
        await auditing.note(
            connection, context, "setConnectorChannel", connector=id, channel=settled
        )
        return None

    return await context.database.transact(work)


async def remove(context: Context, id: Id) -> Refusal | None:
    """Take its reports no longer; what it reported stays."""
    context.require(Scope.ADMIN)

    async def work(connection: Connection) -> bool:
        is_removed = await connectors.remove(connection, context.workspace_id, id, context.now())
        if is_removed:
            await auditing.note(connection, context, "removeConnector", connector=id)
        return is_removed

    if await context.database.transact(work):
        return None
    return _UNKNOWN


def url(context: Context, connector: rows.Connector) -> str:
    """Where the provider reports."""
    place = Place(context.workspace_id, connector.id)
    return context.public_url + path(Provider(connector.provider), place)


def path(provider: Provider, place: Place) -> str:
    packed = _PLACE.pack(place.workspace_id, place.connector_id)
    return f"/hooks/{provider}/{urlsafe_b64encode(packed).rstrip(b'=').decode()}"


def read(text: str) -> Place | None:
    """What the last part of a path says; None for what no path ends with."""
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        return None
    if len(packed) != _PLACE.size:
        return None
    place = Place(*_PLACE.unpack(packed))
    return place if place.workspace_id < 1 << 63 else None


def secret(signer: Signer, place: Place, connector: Connector) -> str:
    """What the provider signs with; raises subscriptions.signing.Unreadable."""
    return signer.reveal(_hiding(place), connector.hidden_secret).decode()


def _hiding(place: Place) -> str:
    return f"connector {place.workspace_id} {place.connector_id.hex()}"
