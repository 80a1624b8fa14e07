"""Follow the events of messages, and go on where it left off after a lost connection.

Speaks graphql-transport-ws over the `websockets` package. Prints one JSON object a line: each
event, and each gap. The cursor of every batch is kept, so that a reconnect asks for what came after
it.
"""

import argparse
import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from typing import Any

from websockets import ConnectionClosed, InvalidHandshake, Subprotocol
from websockets.asyncio.client import ClientConnection, connect

SUBSCRIPTION = """
subscription Follow($after: LogCursor) {
  communicationEvents(after: $after) {
    cursor
    caughtUp
    gap { reason }
    events {
      kind
      occurredAt
      url
      communication { externalId channel status contact { email } resource { name } }
    }
  }
}
"""


class Refused(Exception):
    """The server refused the token or the operation: trying again would not help."""


class Unheard(Exception):
    """Whoever read what we print is gone, as behind `| head`."""


async def follow(url: str, token: str, after: str | None) -> None:
    """Print events for ever; raises Refused and Unheard."""
    delay = 0.5
    while True:
        try:
            async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
                async for batch in batches(socket, token, after):
                    for event in batch["events"]:
                        say(event)
                    if batch["gap"] is not None:
                        say({"gap": batch["gap"]})
                    # Only now: a batch that was not printed is asked for again.
                    after, delay = batch["cursor"], 0.5
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in (4400, 4401, 4403):
                raise Refused(f"{closed.rcvd.code} {closed.rcvd.reason}") from None
        except (OSError, InvalidHandshake):
            pass
        print(f"Connection lost; again in {delay:.1f} s.", file=sys.stderr)
        await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311  Jitter, not a secret.
        delay = min(delay * 2, 15)


async def batches(
    socket: ClientConnection, token: str, after: str | None
) -> AsyncIterator[dict[str, Any]]:
    """The batches of one connection, until it is lost."""
    await send(socket, {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
    async for frame in socket:
        message = json.loads(frame)
        match message["type"]:
            case "connection_ack":
                payload = {"query": SUBSCRIPTION, "variables": {"after": after}}
                await send(socket, {"id": "1", "type": "subscribe", "payload": payload})
            case "ping":
                await send(socket, {"type": "pong"})
            case "next":
                if message["payload"].get("errors"):
                    raise Refused(message["payload"]["errors"][0]["message"])
                yield message["payload"]["data"]["communicationEvents"]
            case "error":
                raise Refused(message["payload"][0]["message"])
            case "complete":
                return


def say(value: object) -> None:
    try:
        print(json.dumps(value, ensure_ascii=False), flush=True)
    except BrokenPipeError:
        # As an OSError it would pass for a lost connection.
        raise Unheard from None


async def send(socket: ClientConnection, message: dict[str, object]) -> None:
    await socket.send(json.dumps(message))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="ws://127.0.0.1:8000/graphql")
    parser.add_argument("--token", required=True)
    parser.add_argument("--after", help="a cursor printed by an earlier run or by recordEvents")
    arguments = parser.parse_args()
    try:
        asyncio.run(follow(arguments.url, arguments.token, arguments.after))
    except Refused as refusal:
        sys.exit(f"The server refused: {refusal}")
    except Unheard:
        # Python flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
