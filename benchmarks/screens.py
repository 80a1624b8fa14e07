"""Screens: each list of the operator's three screens with each filter, small and large.

What is asked are the documents of client-examples/queries, over HTTP.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks import operation, servers
from benchmarks.figures import percentile, short
from benchmarks.operation import Operation
from benchmarks.report import section, table
from benchmarks.requests import Connection, UnexpectedAnswer, graphql, latencies_ms
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from store.words import Channel
from tests.support.loops import run as wait_for

WANTED = 1.5
"""At most so many times the p50 of the small journey."""

_QUERIES = Path(__file__).parent.parent / "client-examples" / "queries"
_COUNT = """
query Count($filter: CommunicationFilter) {
  communications(first: 1, filter: $filter) { totalCount { value precision } }
}
"""

Filter = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Screen:
    """A list, and what is asked of it, by name."""

    name: str
    document: str
    asked: Mapping[str, Filter]


@dataclass(slots=True)
class _Target:
    """One request to the small and to the large one, with what the rounds gave."""

    name: str
    requests: tuple[bytes, ...]
    latencies: tuple[list[float], ...] = field(default_factory=lambda: ([], []))
    rows: list[str] = field(default_factory=list)


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    sizes = (2_000, 20_000) if run.is_quick else (10_000, 5_000_000)
    times = 5 if run.is_quick else 15
    run.say(
        section(
            f"screens: each filter of each screen at {sizes[0]:,} and {sizes[1]:,} communications",
            "The first page of 50, as client-examples/queries has it, of a journey with half of",
            f"them; p50 of {times} requests over one connection to each in turn, {ROUNDS} rounds.",
            "rows: those of the page at both sizes, + where the search stopped early.",
            f"Wanted: at most {WANTED} times; what is not is marked.",
        )
    )
    for kind in Kind:
        with ExitStack() as ending:
            made = [_load(run, ending, kind, size) for size in sizes]
            own = [ending.enter_context(servers.trackside(one.url)) for one in made]
            targets = _targets(made)
            for target in targets:
                target.rows = [_rows(*pair) for pair in zip(own, target.requests, strict=True)]
            for _ in run.rounds(seconds=400):
                for target in targets:
                    _round(own, target, times)
            run.say(f"\n{kind}\n" + _table(targets))


def _load(run: Run, ending: ExitStack, kind: Kind, size: int) -> Operation:
    url = ending.enter_context(run.stores.fresh(kind))
    return wait_for(operation.make(url, messages=size))


def _targets(made: Sequence[Operation]) -> list[_Target]:
    found = []
    both = [_screens(one) for one in made]
    for small, large in zip(*both, strict=True):
        for name in small.asked:
            requests = tuple(
                graphql(one.token, screen.document, {**_journey(one), **screen.asked[name]})
                for one, screen in zip(made, (small, large), strict=True)
            )
            found.append(_Target(f"{small.name}: {name}", requests))
    return found


def _journey(made: Operation) -> Filter:
    return {"journey": f"jrn_{made.journey.hex()}", "first": 50}


def _screens(made: Operation) -> list[_Screen]:
    journey = f"jrn_{made.journey.hex()}"
    steps = [f"stp_{one.hex()}" for one in made.steps]
    contact = {"contactId": [f"ctc_{made.contact.hex()}"]}
    day = {"last": "HOURS_24"}
    bonus = {"kind": ["BONUS_RECEIVED"]}
    users: dict[str, Filter] = {
        "all": {},
        "search, one": {"search": made.rare_name},
        "search, many": {"search": "lovelace"},
        "search, two letters": {"search": "lo"},
        "entered in 24 hours": {"enteredWithin": day},
        "entered in 30 days": {"enteredWithin": {"last": "DAYS_30"}},
        "state": {"state": ["WAITING"]},
        "two states": {"state": ["STOPPED", "EXITED"]},
        "active": {"isActive": True},
        "not active": {"isActive": False},
        "control group": {"inControlGroup": True},
        "converted": {"isConverted": True},
        "converted in 7 days": {"convertedWithin": {"last": "DAYS_7"}},
        "stopped in 7 days": {"stoppedWithin": {"last": "DAYS_7"}},
        "step": {"currentStepId": steps[1:2]},
        "step with few": {"currentStepId": steps[-1:]},
        "contact": contact,
        "received a bonus": {"activity": bonus},
        "never received a bonus": {"not": {"activity": bonus}},
        "clicked an e-mail": {"activity": {"kind": ["MESSAGE_CLICKED"], "channel": ["EMAIL"]}},
        "diagnosis STEP_FAILED": {"diagnosis": ["STEP_FAILED"]},
        "diagnosis NO_PROGRESS": {"diagnosis": ["NO_PROGRESS"]},
        "diagnosis STOPPED": {"diagnosis": ["STOPPED"]},
    }
    activities: dict[str, Filter] = {
        "all": {},
        "kind": {"kind": ["MESSAGE_SENT"]},
        "rare kind": bonus,
        "step": {"stepId": steps[1:2]},
        "channel": {"channel": ["SMS"]},
        "resource": {"resource": {"contains": "offer"}},
        "contact": contact,
        "contact search": {"contactSearch": made.rare_name},
        "in 24 hours": {"within": day},
    }
    communications: dict[str, Filter] = {
        "all": {},
        "channel": {"channel": ["PUSH"]},
        "status DELIVERED": {"status": ["DELIVERED"]},
        "status FAILED": {"status": ["FAILED"]},
        "status COMPLAINED": {"status": ["COMPLAINED"]},
        "reached BOUNCED": {"hasReached": ["BOUNCED"]},
        "resource": {"resource": {"contains": "offer"}},
        "contact search": {"contactSearch": made.rare_name},
        "in 24 hours": {"createdWithin": day},
        "clicked": {"isClicked": True},
        "not clicked": {"isClicked": False},
        "contact": contact,
        "channel in 7 days": {"channel": ["EMAIL"], "createdWithin": {"last": "DAYS_7"}},
    }
    at_root = {
        "all": {},
        "clicked": {"isClicked": True},
        "status FAILED": {"status": ["FAILED"]},
        "journey, channel and period": {
            "journeyId": [journey],
            "channel": ["EMAIL"],
            "createdWithin": {"last": "DAYS_7"},
        },
    }
    # At the cap of 10,000 in the small one, far beyond it in the large one.
    channels = [str(one) for one in Channel]
    counted: dict[str, Filter] = {"all": {}, "channels": {"channel": channels}}
    return [
        _Screen(
            "users",
            _document("journey-users"),
            {
                **{name: {"filter": one} for name, one in users.items()},
                "by conversion": {"orderBy": {"field": "CONVERTED_AT", "direction": "DESC"}},
                "by end": {"orderBy": {"field": "STOPPED_AT", "direction": "DESC"}},
            },
        ),
        _Screen(
            "details",
            _document("journey-activities"),
            {name: {"filter": one} for name, one in activities.items()},
        ),
        _Screen(
            "communications",
            _document("journey-communications"),
            {name: {"filter": one} for name, one in communications.items()},
        ),
        _Screen(
            "communications of all journeys",
            _document("newest-communications"),
            {name: {"filter": one} for name, one in at_root.items()},
        ),
        _Screen(
            "totalCount",
            _COUNT,
            {name: {"filter": one} for name, one in counted.items()},
        ),
    ]


def _document(name: str) -> str:
    return (_QUERIES / f"{name}.graphql").read_text()


def _rows(server: Server, request: bytes) -> str:
    """How many the page holds; raises UnexpectedAnswer when it is no page."""
    with Connection(server.port) as connection:
        answer = orjson.loads(connection.ask(request))
    held = answer.get("data") or {}
    if answer.get("errors"):
        raise UnexpectedAnswer(orjson.dumps(answer)[:500].decode())
    while "pageInfo" not in held and "totalCount" not in held:
        held = next(iter(held.values()))
    if "totalCount" in held:
        return f"{held['totalCount']['value']:,}"
    return f"{len(held['nodes'])}{'+' if held['pageInfo'].get('isPartial') else ''}"


def _round(own: Sequence[Server], target: _Target, times: int) -> None:
    for server, request, taken in zip(own, target.requests, target.latencies, strict=True):
        with Connection(server.port) as connection:
            taken += latencies_ms(connection, request, times)


def _table(targets: Sequence[_Target]) -> str:
    lines = []
    for target in targets:
        small, large = (percentile(taken, 50) for taken in target.latencies)
        mark = "" if large <= WANTED * small else " !"
        rows = " / ".join(target.rows)
        lines.append([target.name, rows, short(small), short(large), short(large / small) + mark])
    kept = sum(not line[-1].endswith("!") for line in lines)
    headers = ["", "rows", "p50 ms small", "p50 ms large", "times"]
    return table(headers, lines) + f"\n  {kept} of {len(lines)} within {WANTED} times."
