"""Overload: what cannot be taken now is refused whole, and all else goes on."""

from datetime import UTC, datetime

import pytest

from resolvers import recorder
from tests.server.serving import a_server, settings_for

RECORD = """mutation Record($events: [EventInput!]!) {
    recordEvents(input: {events: $events}) { results { outcome } } }"""


async def test_events_that_are_too_many_are_refused_with_when_to_come_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {
        "contactEvent": {
            "key": "k",
            "contact": {"externalUsername": "nobody"},
            "name": "visit",
            "occurredAt": datetime.now(UTC).isoformat(),
        }
    }
    async with a_server(settings_for(database_url)) as serving:
        monkeypatch.setattr(recorder, "WAITING_AT_MOST", 0)

        async with serving.client() as client:
            body = {"query": RECORD, "variables": {"events": [event]}}
            refused = await client.post("/graphql", json=body)
            meanwhile = await serving.ask("{ journeys { nodes { id } } }")
            figures = (await client.get("/metrics")).text
            monkeypatch.undo()
            taken = await client.post("/graphql", json=body)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    (error,) = refused.json()["errors"]
    assert error["extensions"] == {"code": "OVERLOADED", "retryAfter": 2}
    assert "none of these was taken" in error["message"]
    assert meanwhile == {"data": {"journeys": {"nodes": []}}}
    assert "trackside_waiting_events 0.0" in figures
    assert taken.json() == {"data": {"recordEvents": {"results": [{"outcome": "REJECTED"}]}}}
