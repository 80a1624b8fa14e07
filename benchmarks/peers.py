"""Peers: what the same page costs without trackside, on the same uvicorn.

/empty answers three bytes: the floor of any request. /page is written by hand for this page
alone: one SQL statement, the driver, orjson; no GraphQL, no token, no limits, no sealed cursor.
"""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiosqlite
import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.stores import Kind, dsn, kind_of, path
from server import serving

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  The zone is written by hand.
_PAGE = """
SELECT m.id, m.external_id, m.channel, m.status, m.created_at, m.sent_at, m.first_click_at,
       m.last_clicked_url, c.id, c.external_username, c.email
FROM communications m
JOIN contacts c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id
WHERE m.workspace_id = {0} AND m.journey_id = {1} AND m.channel = 'EMAIL'
ORDER BY m.created_at DESC, m.id DESC
LIMIT 51
"""


class _Rows(Protocol):
    async def __call__(self, workspace_id: int, journey_id: bytes) -> Sequence[Sequence[Any]]: ...


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[_Rows]:
    async def prepare(connection: Any) -> None:
        await connection.set_type_codec(
            "uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
        )

    pool = await asyncpg.create_pool(
        dsn(url), min_size=10, max_size=10, init=prepare, server_settings={"jit": "off"}
    )
    statement = _PAGE.format("$1", "$2")

    async def rows(workspace_id: int, journey_id: bytes) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = await pool.fetch(statement, workspace_id, journey_id)
        return found

    try:
        yield rows
    finally:
        await pool.close()


@asynccontextmanager
async def _sqlite(url: str) -> AsyncIterator[_Rows]:
    connection = await aiosqlite.connect(path(url))
    statement = _PAGE.format("?", "?")

    async def rows(workspace_id: int, journey_id: bytes) -> Sequence[Sequence[Any]]:
        return list(await connection.execute_fetchall(statement, (workspace_id, journey_id)))

    try:
        yield rows
    finally:
        await connection.close()


def _app(url: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        opened = _sqlite(url) if kind_of(url) is Kind.SQLITE else _postgres(url)
        async with opened as rows:
            app.state.rows = rows
            yield

    return Starlette(routes=[Route("/empty", _empty), Route("/page", _page)], lifespan=lifespan)


async def _empty(_request: Request) -> Response:
    return Response(b"{}\n", media_type="application/json")


async def _page(request: Request) -> Response:
    asked = request.query_params
    found = await request.app.state.rows(
        int(asked["workspace"]), bytes.fromhex(asked["journey"][4:])
    )
    nodes = [
        {
            "id": f"com_{row[0].hex()}",
            "externalId": row[1],
            "channel": row[2],
            "status": row[3],
            "createdAt": _moment(row[4]),
            "sentAt": _moment(row[5]),
            "firstClickAt": _moment(row[6]),
            "lastClickedUrl": row[7],
            "contact": {"id": f"ctc_{row[8].hex()}", "externalUsername": row[9], "email": row[10]},
        }
        for row in found[:50]
    ]
    last = found[len(nodes) - 1]
    page_info = {"hasNextPage": len(found) > 50, "endCursor": f"{last[4]}:{last[0].hex()}"}
    answer = {"data": {"communications": {"nodes": nodes, "pageInfo": page_info}}}
    return Response(orjson.dumps(answer), media_type="application/json")


def _moment(at: int | None) -> str | None:
    return None if at is None else (_EPOCH + timedelta(0, 0, at)).isoformat() + "Z"


if __name__ == "__main__":
    configured = serving.config(_app(os.environ["PEER_DATABASE_URL"]))
    uvicorn.Server(configured).run(sockets=[serving.listen("127.0.0.1", int(sys.argv[1]))])
