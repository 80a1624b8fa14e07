"""Webhooks: telling endpoints what happened to entries, signed, until they have taken it.

Signed as https://github.com/standard-webhooks/standard-webhooks has it. What is sent again has the
same webhook-id: an endpoint that keeps the ids it has seen hears each activity once.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpcore
import orjson
from standardwebhooks import Webhook

from resolvers import addresses
from resolvers.addresses import Unreachable
from resolvers.work import Work
from schema import ids
from schema.scalars import write_instant
from store import Connection, rows, webhooks
from store.jobs import Due, Progress
from store.types import SECOND, Id, Instant
from store.webhooks import Delivery, Endpoint
from store.words import ActivityKind

TIMEOUT_S = 15.0
SENT_AT_ONCE = 5
_SENT_A_RUN = 100
_ERROR_AT_MOST = 300


class Webhooks:
    """`allows_private`: may call this machine and its neighbours, as in development."""

    def __init__(self, *, allows_private: bool, timeout: float = TIMEOUT_S) -> None:
        self._timeout = timeout
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=50,
            max_keepalive_connections=10,
            keepalive_expiry=30,
            network_backend=_Guarded(allows_private=allows_private),
        )
        self._examined: dict[Id, int] = {}

    async def close(self) -> None:
        await self._pool.aclose()

    async def has_news(self, connection: Connection, one: Due, now: Instant) -> bool:
        """Whether an endpoint is worth a claim."""
        is_due, self._examined[one.id] = await webhooks.has_news(
            connection, one.workspace_id, one.id, now, self._examined.get(one.id, 0)
        )
        return is_due

    async def run(self, work: Work) -> Instant | None:
        """Feed an endpoint from the log and send what is due, as much as a turn allows."""
        endpoint_id = work.claim.id
        async with work.database.read() as connection:
            endpoint = await webhooks.find(connection, work.workspace_id, endpoint_id)
        if endpoint is None:
            return None
        await self._feed(work)
        sent = 0
        while sent < _SENT_A_RUN:
            async with work.database.read() as connection:
                found = await webhooks.due(
                    connection, work.workspace_id, endpoint_id, work.now(), SENT_AT_ONCE
                )
            if not found:
                break
            # To its end, whatever becomes of one: an attempt that was made is written down.
            results = await asyncio.gather(
                *(self._deliver(work, endpoint, each) for each in found), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            sent += len(found)
        return work.now()

    async def _feed(self, work: Work) -> None:
        is_fed = False

        async def step(connection: Connection, progress: Progress) -> Progress:
            nonlocal is_fed
            is_fed = await webhooks.feed(
                connection, work.workspace_id, work.claim.id, body, work.now()
            )
            return progress

        while not is_fed:
            await work.step(step)

    async def _deliver(self, work: Work, endpoint: Endpoint, delivery: Delivery) -> None:
        status, error = await self._post(endpoint, delivery, work.now())

        async def settle(connection: Connection, progress: Progress) -> Progress:
            await webhooks.settle(
                connection,
                work.workspace_id,
                work.claim.id,
                delivery,
                status=status,
                error=error,
                now=work.now(),
            )
            return progress

        await work.write_down(settle)

    async def _post(
        self, endpoint: Endpoint, delivery: Delivery, now: Instant
    ) -> tuple[int | None, str | None]:
        """The status, if there was an answer, and what is wrong, if anything is."""
        try:
            async with asyncio.timeout(self._timeout):
                async with self._pool.stream(
                    "POST",
                    endpoint.url,
                    headers=list(headers(endpoint.secret, delivery, now).items()),
                    content=delivery.body.encode(),
                ) as response:
                    status = response.status
        except TimeoutError:
            return None, f"No answer within {self._timeout:g} seconds."
        except Unreachable as unreachable:
            return None, str(unreachable)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            return None, f"{type(error).__name__}: {error}"[:_ERROR_AT_MOST]
        if 200 <= status < 300:
            return status, None
        return status, f"It answered {status}, not 2xx."


def headers(secret: str, delivery: Delivery, now: Instant) -> dict[str, str]:
    """Id, time and signature of an attempt."""
    message_id = f"{ids.WEBHOOK_DELIVERY}_{delivery.id.hex()}"
    at = datetime.fromtimestamp(now // SECOND, UTC)
    return {
        "Content-Type": "application/json",
        "User-Agent": "trackside-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(now // SECOND),
        "webhook-signature": Webhook(secret).sign(message_id, at, delivery.body),
    }


def body(activity: rows.Activity) -> str:
    """What an endpoint is told, in the words and ids of the API."""
    entry, step, communication = activity.entry, activity.step, activity.communication
    told: dict[str, Any] = {
        "type": activity.activity,
        "timestamp": write_instant(activity.recorded_at),
        "data": {
            "id": ids.of_logged(ids.ACTIVITY)(activity),
            "kind": activity.activity,
            "occurredAt": write_instant(activity.occurred_at),
            "recordedAt": write_instant(activity.recorded_at),
            "entry": _named(ids.ENTRY, entry),
            "journey": _named(ids.JOURNEY, entry.journey),
            "contact": {
                "id": ids.of(ids.CONTACT)(entry.contact),
                "externalUsername": entry.contact.external_username,
            },
            "step": None if step is None else step.key,
            "communication": None
            if communication is None
            else _named(ids.COMMUNICATION, communication),
            "url": activity.url,
            "reason": activity.reason,
            "reward": activity.detail if activity.activity in _REWARDS else None,
            "source": activity.source,
            "isIgnored": activity.is_ignored,
            "isSuspectedBot": activity.is_suspected_bot,
        },
    }
    return orjson.dumps(told).decode()


_REWARDS = (ActivityKind.REWARD_EARNED, ActivityKind.REWARD_SENT)


def _named(kind: str, row: rows.Entry | rows.Journey | rows.Communication) -> dict[str, Any]:
    return {"id": ids.of(kind)(row), "externalId": row.external_id}


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that were looked at: a name may lead elsewhere in between."""

    def __init__(self, *, allows_private: bool) -> None:
        self._allows_private = allows_private
        self._network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await addresses.resolve(host, port, allows_private=self._allows_private)
        for address in found[:-1]:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.NetworkError:
                continue
        return await self._network.connect_tcp(
            found[-1], port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)
