"""Workspaces on the command line: tokens, connectors, recipients and the currency of one."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from resolvers import connectors
from resolvers.connectors import Place
from resolvers.token_secrets import hash_of, new_secret
from server.services import utc_now
from server.settings import Settings, WrongSetting
from store import Connection, Database, audit, tokens, workspaces
from store import migrate as bring_up_to_date
from store.refusals import Refusal
from store.words import Channel, Provider, Scope

R = TypeVar("R")

_US = "command line"


async def create_token(
    settings: Settings, workspace: str, name: str, email: str | None, scopes: list[Scope]
) -> str:
    """The secret of a new token; the workspace is made when it is new."""
    if not settings.is_production:
        await bring_up_to_date(settings.database_url)
    database = Database(settings.database_url)
    try:
        async with database.write() as connection:
            now = utc_now()
            workspace_id = await workspaces.find(connection, workspace)
            if workspace_id is None:
                workspace_id = await workspaces.create(connection, workspace, now)
            secret = new_secret(workspace_id)
            token_id = await tokens.create(
                connection,
                workspace_id,
                name=name,
                email=email,
                scopes=scopes,
                secret_hash=hash_of(secret),
                now=now,
            )
            named = sorted(map(str, scopes))
            await _note(connection, workspace_id, "createToken", token=token_id.hex(), scopes=named)
        return secret
    finally:
        await database.dispose()


async def create_connector(
    settings: Settings,
    workspace: str,
    provider: str,
    name: str,
    secret: str,
    channel: Channel | None,
) -> str:
    """The path of a new connector's hook; raises WrongSetting for what is refused."""
    if not settings.is_production:
        await bring_up_to_date(settings.database_url)
    database = Database(settings.database_url)
    try:
        async with database.read() as connection:
            workspace_id = await workspaces.find(connection, workspace)
        if workspace_id is None:
            raise WrongSetting(f"There is no workspace {workspace!r}: token create makes one.")
        made = await connectors.register(
            database,
            settings.signer(),
            workspace_id,
            provider=provider,
            name=name,
            secret=secret,
            channel=channel,
            by=_US,
            now=utc_now,
        )
        if isinstance(made, Refusal):
            raise WrongSetting(made.message)
        return connectors.path(Provider(provider), Place(workspace_id, made))
    finally:
        await database.dispose()


async def change_recipients(
    settings: Settings, workspace: str, change: Callable[[list[str]], list[str]]
) -> list[str]:
    """The addresses that may be mailed to, after the change; raises WrongSetting."""

    async def work(connection: Connection, workspace_id: int) -> list[str]:
        before = await workspaces.allowed_recipients(connection, workspace_id)
        changed = change(list(before))
        if changed != before:
            await workspaces.allow_recipients(connection, workspace_id, changed)
            await _note(connection, workspace_id, "allowRecipients")
        return changed

    return await _in_workspace(settings, workspace, work)


async def set_currency(settings: Settings, workspace: str, code: str) -> None:
    """Raises WrongSetting for a workspace that there is not."""

    async def work(connection: Connection, workspace_id: int) -> None:
        await workspaces.set_currency(connection, workspace_id, code)
        await _note(connection, workspace_id, "setCurrency", currency=code)

    await _in_workspace(settings, workspace, work)


async def _in_workspace(
    settings: Settings, workspace: str, work: Callable[[Connection, int], Awaitable[R]]
) -> R:
    """Do the work in one transaction; raises WrongSetting for a workspace that there is not."""
    if not settings.is_production:
        await bring_up_to_date(settings.database_url)
    database = Database(settings.database_url)
    try:
        async with database.write() as connection:
            workspace_id = await workspaces.find(connection, workspace)
            if workspace_id is None:
                raise WrongSetting(f"There is no workspace {workspace!r}: token create makes one.")
            return await work(connection, workspace_id)
    finally:
        await database.dispose()


async def _note(connection: Connection, workspace_id: int, action: str, **detail: Any) -> None:
    """Keep in the audit log what was done here."""
    await audit.note(
        connection, workspace_id, action, by=_US, affected=1, detail=detail, now=utc_now()
    )
