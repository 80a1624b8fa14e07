"""Contacts: the first page of the contact list with each filter alone, beside the one without."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import orjson

from benchmarks import contact_book, servers
from benchmarks.contact_book import ContactBook
from benchmarks.figures import Spread, percentile, short
from benchmarks.report import section, table
from benchmarks.requests import Connection, UnexpectedAnswer, graphql, latencies_ms
from benchmarks.run import ROUNDS, Run
from benchmarks.servers import Server
from benchmarks.stores import Kind
from tests.support.loops import run as wait_for

WANTED = 3
"""At most so many times the p50 of the page without a filter."""

PAGE = """
query Contacts($filter: ContactFilter) {
  contacts(first: 50, filter: $filter) {
    nodes {
      id externalUsername email firstName lastName status source createdAt lastInteractionAt
      rewardBalance
    }
    pageInfo { hasNextPage endCursor isPartial }
  }
}
"""
STATISTICS = """
query Statistics($filter: ContactFilter) {
  contactStatistics(filter: $filter) { total leads customers lost none convertedCustomers asOf }
}
"""


@dataclass(slots=True)
class _Target:
    name: str
    request: bytes
    rows: str = ""
    latencies: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)


def measure(run: Run) -> None:
    """Print the figures of both databases."""
    size = 50_000 if run.is_quick else 1_000_000
    times = 5 if run.is_quick else 20
    run.say(
        section(
            f"contacts: the first page of 50 of {size:,} contacts with each filter alone",
            f"10 fields a row; p50 of {times} requests over one connection in {ROUNDS} rounds,",
            "each in turn with the page without a filter, of which it is so many times.",
            "rows: those of the page, + where the search stopped early.",
            f"Wanted: at most {WANTED} times the page without a filter; what is not is marked.",
        )
    )
    for kind in Kind:
        with ExitStack() as ending:
            url = ending.enter_context(run.stores.fresh(kind))
            book = wait_for(contact_book.make(url, contacts=size))
            server = ending.enter_context(servers.trackside(url))
            pages = [
                _Target(name, graphql(book.token, PAGE, {"filter": asked}))
                for name, asked in _filters(book, size).items()
            ]
            counts = [
                _Target(name, graphql(book.token, STATISTICS, {"filter": asked}))
                for name, asked in (("statistics", None), ("… of leads", {"status": ["LEAD"]}))
            ]
            for target in (*pages, *counts):
                target.rows = _rows(server, target.request)
            for _ in run.rounds(seconds=200):
                for target in (*pages, counts[0]):
                    _ask(server, pages[0], target, times)
                _ask(server, pages[0], counts[1], 1)
            run.say(f"\n{kind}\n" + _table(pages, counts))


def _filters(book: ContactBook, size: int) -> Mapping[str, Any]:
    def last(period: str) -> dict[str, str]:
        return {"last": period}

    journeys = [f"jrn_{one.hex()}" for one in book.journeys]
    choices = [f"chc_{one.hex()}" for one in book.choices]
    rewards = [f"rwd_{one.hex()}" for one in book.rewards]
    promos = [f"prm_{one.hex()}" for one in book.promos]
    question = {"questionId": f"qst_{book.question.hex()}"}
    return {
        "none": None,
        "search, one": {"search": f"user-{size // 2}@"},
        "search, a name": {"search": "lovelace"},
        "search, two letters": {"search": "lo"},
        "search, nobody": {"search": "zzzzzz"},
        "status LEAD": {"status": ["LEAD"]},
        "status LOST": {"status": ["LOST"]},
        "status LOST or NONE": {"status": ["LOST", "NONE"]},
        "source IMPORTED": {"source": ["IMPORTED"]},
        "source CREATED": {"source": ["CREATED"]},
        "imported": {"isImported": True},
        "not imported": {"isImported": False},
        "imported as LEAD": {"importedAs": ["LEAD"]},
        "imported as LOST": {"importedAs": ["LOST"]},
        "converted": {"isConverted": True},
        "not converted": {"isConverted": False},
        "converted in 24 hours": {"convertedWithin": last("HOURS_24")},
        "converted in 90 days": {"convertedWithin": last("DAYS_90")},
        "seen or imported in an hour": {"interactedOrImportedWithin": last("HOURS_1")},
        "seen or imported in 24 hours": {"interactedOrImportedWithin": last("HOURS_24")},
        "seen or imported in 7 days": {"interactedOrImportedWithin": last("DAYS_7")},
        "seen or imported in 90 days": {"interactedOrImportedWithin": last("DAYS_90")},
        **{
            f"journey of {share:.3%}": {"journeyId": [one]}
            for one, share in zip(journeys, contact_book.IN_JOURNEY, strict=True)
        },
        "any of three journeys": {"journeyId": journeys[1:4]},
        "not in a journey": {"not": {"journeyId": journeys[:1]}},
        "answered": {"surveyAnswer": [question]},
        **{
            f"answer of {share:.2%}": {"surveyAnswer": [{**question, "choiceId": [one]}]}
            for one, share in zip(choices, contact_book.CHOSEN, strict=True)
        },
        "any of two answers": {"surveyAnswer": [{**question, "choiceId": choices[1:]}]},
        **{
            f"reward of {share:.2%}": {"preferredRewardId": [one]}
            for one, share in zip(rewards, contact_book.CHOSEN, strict=True)
        },
        "positive balance": {"reward": {"hasPositiveBalance": True}},
        "balance of 50": {"reward": {"balanceAtLeast": "50"}},
        "reward sent": {"reward": {"hasBeenSent": True}},
        **{
            f"promo of {share:.2%}": {"promo": {"promoId": [one]}}
            for one, share in zip(promos, contact_book.CHOSEN, strict=True)
        },
        "redeemed by a link": {"promo": {"redeemedBy": ["CLICKED_LINK"]}},
        "redeemed for a friend": {"promo": {"redeemedBy": ["REFERRED_FRIEND"]}},
        "redeemed by signing up": {"promo": {"redeemedBy": ["SIGNED_UP"]}},
    }


def _rows(server: Server, request: bytes) -> str:
    """How many the page holds; raises UnexpectedAnswer when it is no page."""
    with Connection(server.port) as connection:
        answer = orjson.loads(connection.ask(request))
    if answer.get("errors"):
        raise UnexpectedAnswer(orjson.dumps(answer)[:500].decode())
    data = answer["data"]
    if "contactStatistics" in data:
        return f"{data['contactStatistics']['total']:,}"
    page = data["contacts"]
    return f"{len(page['nodes'])}{'+' if page['pageInfo']['isPartial'] else ''}"


def _ask(server: Server, base: _Target, target: _Target, times: int) -> None:
    """In turn with the page without a filter: what else runs here is then of both."""
    before: list[float] = []
    taken: list[float] = []
    with Connection(server.port) as connection:
        for _ in range(times):
            before += latencies_ms(connection, base.request, 1)
            taken += latencies_ms(connection, target.request, 1)
    target.latencies += taken
    target.ratios.append(percentile(taken, 50) / percentile(before, 50))


def _table(pages: list[_Target], counts: list[_Target]) -> str:
    lines, kept = [], 0
    for target in (*pages, *counts):
        ratio = Spread.of(target.ratios)
        is_page = target in pages
        kept += is_page and ratio.middle <= WANTED
        mark = " !" if is_page and ratio.middle > WANTED else ""
        middle = short(percentile(target.latencies, 50))
        lines.append([target.name, target.rows, middle, f"{ratio}{mark}"])
    headers = ["", "rows", "p50 ms", "none = 1"]
    return table(headers, lines) + f"\n  {kept} of {len(pages)} within {WANTED} times."
