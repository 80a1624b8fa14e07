"""Hooks: SendGrid's batches over HTTP, beside the recorder alone and COPY of the same rows."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count

import orjson
import uvloop

from benchmarks import dataset, servers
from benchmarks.dataset import RESOURCES, Dataset
from benchmarks.histories import OFFER
from benchmarks.recording import InProcess, LogAlone
from benchmarks.report import section
from benchmarks.requests import Connection, at_once, graphql
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from benchmarks.ways import Way, clocked, compared
from store.ingest.events import CommunicationCreated, Delivery
from store.words import DeliveryKind
from tests.support.senders import SendGrid

BATCH = 500
CONNECTIONS = 4

_CREATE = """mutation ($secret: String!) { createConnector(
    input: {provider: "sendgrid", name: "SendGrid", secret: $secret}) { connector { url } } }"""

# Of a hundred messages how many come to it, in this order.
_KINDS: tuple[tuple[str, DeliveryKind, int], ...] = (
    ("processed", DeliveryKind.SENT, 100),
    ("deferred", DeliveryKind.DEFERRED, 4),
    ("delivered", DeliveryKind.DELIVERED, 97),
    ("open", DeliveryKind.OPENED, 35),
    ("click", DeliveryKind.CLICKED, 8),
)


def measure(run: Run) -> None:
    """Print the figures of PostgreSQL."""
    number = 4 if run.is_quick else 20
    run.say(
        section(
            f"hooks: SendGrid's events in batches of {BATCH}, signed, on PostgreSQL",
            "What becomes of messages announced before: about 2.4 events a message, those of a",
            f"batch of many messages. Each way writes {number} batches in turn in each of {ROUNDS}",
            "rounds, every connection of messages of its own. CPU: over HTTP the server's process",
            "alone, in process this one's. `log alone` is the floor: the rows that the first way",
            "left in the log, again into the same table by COPY, a transaction a batch.",
        )
    )
    with ExitStack() as ending:
        url = ending.enter_context(run.stores.fresh(Kind.POSTGRESQL))
        runner = ending.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        loaded = runner.run(dataset.make(url, messages=0, entries=10_000))
        server = ending.enter_context(servers.trackside(url))
        ways = Ways(loaded, server, runner)
        ending.callback(ways.close)
        ways.round(1)
        ways.forget()
        for _ in run.rounds(seconds=60):
            ways.round(number)
        run.say("\n" + ways.table())


class Ways:
    """Over HTTP by one connection and by several, by the recorder alone, and the log alone."""

    def __init__(self, loaded: Dataset, server: Server, runner: asyncio.Runner) -> None:
        self._loaded, self._server, self._runner = loaded, server, runner
        self._recorder = InProcess(loaded)
        self._log = runner.run(LogAlone.open(loaded))
        self._sender = SendGrid()
        self._path = _connect(server, loaded.token, self._sender.secret)
        self._serials = count()
        self.forget()

    def forget(self) -> None:
        """Of the warm-up."""
        self.one = Way("HTTP, 1 connection")
        self._several = Way(f"HTTP, {CONNECTIONS} connections")
        self.alone = Way("recorder, 1 caller")
        self._rows = Way("log alone")

    def close(self) -> None:
        self._runner.run(self._recorder.close())
        self._runner.run(self._log.close())

    def round(self, number: int) -> None:
        work = self._announced(number)
        before = self._runner.run(self._log.head())
        self._over_http(self.one, [work])
        after = self._runner.run(self._log.head())
        work = self._announced(number)
        with clocked(self.alone, len(work) * BATCH):
            self._runner.run(self._recorder.record([work]))
        rows = self._runner.run(self._log.rows(before, after))
        with clocked(self._rows, len(rows)):
            self._runner.run(self._log.write(rows, BATCH))
        share = max(1, number // CONNECTIONS)
        self._over_http(self._several, [self._announced(share) for _ in range(CONNECTIONS)])

    def requests(self, number: int) -> list[bytes]:
        """So many batches to send, of messages of their own."""
        return [self._request(batch) for batch in self._announced(number)]

    def recorded(self) -> int:
        """Events, in all that the log tells."""
        return self._runner.run(self._log.head())

    def table(self) -> str:
        return compared((self.one, self._several, self.alone, self._rows), self.alone)

    def _announced(self, number: int) -> list[list[Delivery]]:
        """So many batches of what becomes of messages, which are announced before."""
        serial = next(self._serials)
        chance = random.Random(serial)
        now = time.time_ns() // 1_000
        events: list[Delivery] = []
        messages: list[CommunicationCreated] = []
        while len(events) < number * BATCH:
            name = f"message-{serial}-{len(messages)}"
            channel, resource, _ = RESOURCES[0]
            messages.append(
                CommunicationCreated(
                    key=f"{name}:created",
                    occurred_at=now,
                    communication=name,
                    channel=channel,
                    resource=resource,
                    entry=self._loaded.entry(len(messages) % self._loaded.entries),
                )
            )
            for place, (word, kind, percent) in enumerate(_KINDS):
                if chance.random() * 100 < percent:
                    # SendGrid tells whole seconds.
                    at = now // 1_000_000 * 1_000_000 + place * 1_000_000
                    link = OFFER if kind is DeliveryKind.CLICKED else None
                    events.append(Delivery(f"{name}:{word}", at, name, kind, url=link))
        events = events[: number * BATCH]
        chance.shuffle(events)
        announcing = [messages[at : at + BATCH] for at in range(0, len(messages), BATCH)]
        self._runner.run(self._recorder.record([announcing]))
        return [events[at : at + BATCH] for at in range(0, len(events), BATCH)]

    def _over_http(self, way: Way, work: Sequence[Sequence[Sequence[Delivery]]]) -> None:
        requests = [[self._request(batch) for batch in own] for own in work]
        spent = self._server.usage().cpu_s
        before = self._runner.run(self._log.head())
        load = at_once(self._server.port, requests, lambda answer: answer == b"")
        cpu_s = self._server.usage().cpu_s - spent
        recorded = self._runner.run(self._log.head()) - before
        assert recorded == load.requests * BATCH, f"{recorded} events are in the log."
        way.took(recorded, load.seconds, cpu_s)

    def _request(self, batch: Sequence[Delivery]) -> bytes:
        sent = self._sender.sends([_as_sendgrid(event) for event in batch])
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
        head = f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}"
        return f"{head}Content-Length: {len(sent.body)}\r\n\r\n".encode() + sent.body


def _as_sendgrid(event: Delivery) -> dict[str, object]:
    """With all that SendGrid tells of each, the needless too."""
    word = next(word for word, kind, _ in _KINDS if kind is event.kind)
    return {
        "email": "somebody.or.other@example.org",
        "timestamp": event.occurred_at // 1_000_000,
        "smtp-id": f"<{event.communication}@ismtpd-555>",
        "event": word,
        "category": ["welcome"],
        "sg_event_id": event.key,
        "sg_message_id": f"{event.communication}.filter0001.16648.5515E0B88.0",
        "ip": "192.0.2.1",
        "useragent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
        "communication": event.communication,
        **({"url": event.url} if event.url else {}),
        **({"response": "451 Try again later"} if word == "deferred" else {}),
    }


def _connect(server: Server, token: str, secret: str) -> str:
    with Connection(server.port) as connection:
        answer = orjson.loads(connection.ask(graphql(token, _CREATE, {"secret": secret})))
    url: str = answer["data"]["createConnector"]["connector"]["url"]
    return url[url.index("/hooks/") :]
