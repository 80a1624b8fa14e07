"""A partner's system in small: registers a journey, tells of one customer's way through it, and
reads back what became of it.

Every event has a key of its own, so whatever is lost on the way is simply sent again: the server
takes each event once. Needs `httpx`, and a token with the scopes read and integrate.
"""

import argparse
import os
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

REGISTER = """
mutation Register($journey: UpsertJourneyInput!, $contacts: UpsertContactsInput!) {
  upsertJourney(input: $journey) { journey { id } userErrors { code message } }
  upsertContacts(input: $contacts) { results { error { code message } } userErrors { message } }
}
"""

RECORD = """
mutation Record($input: RecordEventsInput!) {
  recordEvents(input: $input) {
    results { key outcome error { code message } links { target url } unsubscribe }
    cursor
    userErrors { code message }
  }
}
"""

READ = """
query Read($entry: String!) {
  entry(externalId: $entry) {
    state
    convertedAt
    diagnosis { code explanation }
    activities(first: 50) { nodes { kind summary occurredAt } }
    communications { nodes { externalId status clickCount } }
  }
}
"""

JOURNEY = {
    "externalId": "winter-offer",
    "name": "Winter offer",
    "steps": [
        {"key": "offer", "name": "Send the offer", "channel": "EMAIL", "patienceSeconds": 86400},
        {"key": "bonus", "name": "Give the bonus"},
    ],
}


class Refused(Exception):
    """The server will not have this, however often it is sent."""


class Trackside:
    """The API, with patience for a server that is away or busy."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def ask(self, document: str, **variables: Any) -> Any:
        """The data of an operation; raises Refused."""
        for attempt in range(8):
            try:
                answer = self._client.post(
                    f"{self._url}/graphql", json={"query": document, "variables": variables}
                )
            except httpx.TransportError as lost:
                print(f"Not reached, trying again: {lost}", file=sys.stderr)
                time.sleep(min(2**attempt / 4, 10))
                continue
            if answer.status_code in (429, 502, 503, 504):
                time.sleep(float(answer.headers.get("Retry-After", 2)))
                continue
            body = answer.json()
            if body.get("errors"):
                raise Refused(body["errors"][0]["message"])
            return body["data"]
        raise Refused(f"{self._url} did not answer.")

    def record(self, *events: dict[str, Any]) -> list[Any]:
        """The results of events, each of them taken now or before; raises Refused."""
        recorded = self.ask(RECORD, input={"events": list(events)})["recordEvents"]
        results: list[Any] = recorded["results"]
        problems = [*recorded["userErrors"], *(one["error"] for one in results if one["error"])]
        if problems:
            raise Refused(problems[0]["message"])
        return results


def tell(api: Trackside, customer: str) -> str:
    """The customer's way, step by step; returns the entry's id."""
    registered = api.ask(
        REGISTER,
        journey=JOURNEY,
        contacts={"contacts": [{"externalUsername": customer, "email": f"{customer}@example.org"}]},
    )
    for problem in registered["upsertJourney"]["userErrors"]:
        raise Refused(problem["message"])
    way = uuid.uuid4().hex[:12]
    entry, message = f"entry-{way}", f"mail-{way}"
    api.record(
        {
            "journeyEntered": {
                **at(way, "entered"),
                "journey": JOURNEY["externalId"],
                "contact": {"externalUsername": customer},
                "entry": entry,
            }
        },
        {
            "stepReached": {
                **at(way, "offer"),
                "entry": entry,
                "step": "offer",
                "kind": "STEP_ENTERED",
            }
        },
    )
    (announced,) = api.record(
        {
            "communication": {
                **at(way, "mail"),
                "communication": message,
                "entry": entry,
                "step": "offer",
                "channel": "EMAIL",
                "resource": "Winter mail",
                "links": ["https://shop.example/winter"],
            }
        }
    )
    # This is what goes into the mail in place of the shop's own address.
    print(f"link of the mail: {announced['links'][0]['url']}")
    print(f"to unsubscribe:   {announced['unsubscribe']}")
    for kind in ("SENT", "DELIVERED", "CLICKED"):
        api.record(
            {
                "delivery": {
                    **at(way, kind),
                    "communication": message,
                    "kind": kind,
                    "url": "https://shop.example/winter" if kind == "CLICKED" else None,
                }
            }
        )
    bonus = {"name": "Ten euros", "amount": "10.00", "currency": "EUR"}
    api.record(
        {
            "stepReached": {
                **at(way, "bonus"),
                "entry": entry,
                "step": "bonus",
                "kind": "BONUS_RECEIVED",
                "bonus": bonus,
            }
        },
        {"converted": {**at(way, "converted"), "entry": entry}},
        {"completed": {**at(way, "completed"), "entry": entry}},
    )
    return entry


def at(way: str, what: str) -> dict[str, str]:
    """What each event has: a key, the same however often it is sent, and when it happened."""
    return {"key": f"{way}-{what}", "occurredAt": datetime.now(UTC).isoformat()}


def show(api: Trackside, entry: str) -> None:
    found = api.ask(READ, entry=entry)["entry"]
    print(f"{found['state']}: {found['diagnosis']['explanation']}")
    for activity in found["activities"]["nodes"]:
        print(f"  {activity['occurredAt']}  {activity['kind']}: {activity['summary']}")
    for mail in found["communications"]["nodes"]:
        print(f"  {mail['externalId']} is {mail['status']}, clicks: {mail['clickCount']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("customer", nargs="?", default="ada")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", default=os.environ.get("TRACKSIDE_TOKEN"))
    asked = parser.parse_args()
    if not asked.token:
        parser.error("Give --token, or set TRACKSIDE_TOKEN.")
    api = Trackside(asked.url, asked.token)
    try:
        show(api, tell(api, asked.customer))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
