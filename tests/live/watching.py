"""Watching: the kinds of subscribers, and which rows of the log concern each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.live import truth
from tests.live.crowd import Watchers
from tests.live.house import House
from tests.live.subscriber import Asked
from tests.live.truth import Concerns, Expected, Logged

EVENTS = """
subscription Events($filter: DeliveryEventFilter, $after: LogCursor) {
  communicationEvents(filter: $filter, after: $after) { cursor gap { reason } events { id } }
}
"""
SCREEN = """
subscription Screen($filter: DeliveryEventFilter, $after: LogCursor) {
  communicationEvents(filter: $filter, after: $after) {
    cursor
    caughtUp
    gap { reason oldestAvailable }
    events {
      id kind occurredAt receivedAt url
      communication { id externalId channel status sentAt resource { name } }
      contact { id externalUsername }
    }
  }
}
"""
ACTIVITIES = """
subscription Activities($journey: ID, $filter: ActivityFilter, $after: LogCursor) {
  entryActivities(journeyId: $journey, filter: $filter, after: $after) {
    cursor gap { reason } activities { id kind summary }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Watching:
    """So many who ask this, and what of the log it is."""

    number: int
    asked: Asked
    concerns: Concerns

    @property
    def watchers(self) -> Watchers:
        return Watchers(self.number, self.asked)

    def expected(self, rows: Sequence[Logged]) -> Expected:
        is_of_messages = self.asked.field == "communicationEvents"
        named = truth.deliveries if is_of_messages else truth.activities
        return named(rows, self.concerns)


def everything(number: int, *, document: str = EVENTS) -> Watching:
    return Watching(number, _events(document), lambda _: True)


def of_a_journey(number: int, house: House, place: int) -> Watching:
    journey = house.journeys[place]
    asked = _events(EVENTS, filter={"journeyId": [journey]})
    return Watching(number, asked, lambda row: _journey(row) == journey)


def of_kinds(number: int, kinds: Sequence[str], channels: Sequence[str]) -> Watching:
    asked = _events(EVENTS, filter={"kind": list(kinds), "channel": list(channels)})
    return Watching(number, asked, lambda row: row.delivery in kinds and row.channel in channels)


def of_entries(number: int, house: House, place: int) -> Watching:
    journey = house.journeys[place]
    asked = Asked(ACTIVITIES, {"journey": journey}, "entryActivities", "activities")
    return Watching(number, asked, lambda row: _journey(row) == journey)


def of_steps(number: int) -> Watching:
    asked = Asked(
        ACTIVITIES, {"filter": {"kind": ["STEP_ENTERED"]}}, "entryActivities", "activities"
    )
    return Watching(number, asked, lambda row: row.activity == "STEP_ENTERED")


def mixed(number: int, house: House) -> list[Watching]:
    """So many, at least ten, of all kinds: about half want everything and little of each."""
    tenth = number // 10
    others = [
        everything(tenth // 2 or 1, document=SCREEN),
        of_a_journey(tenth, house, 0),
        of_a_journey(tenth // 2 or 1, house, 1),
        of_kinds(tenth, ["DELIVERED", "OPENED"], ["EMAIL", "PUSH"]),
        of_entries(tenth, house, 0),
        of_steps(tenth),
    ]
    return [everything(number - sum(one.number for one in others)), *others]


def _events(document: str, **variables: Any) -> Asked:
    return Asked(document, variables, "communicationEvents", "events")


def _journey(row: Logged) -> str | None:
    return None if row.journey_id is None else f"jrn_{row.journey_id.hex()}"
