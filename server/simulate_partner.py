"""The partner's program: writes through the public API, and asks again until it is answered."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import httpx

UPSERT_JOURNEY = """
mutation UpsertJourney($input: UpsertJourneyInput!) {
  upsertJourney(input: $input) { journey { id } userErrors { code message field } }
}
"""
UPSERT_CONTACTS = """
mutation UpsertContacts($input: UpsertContactsInput!) {
  upsertContacts(input: $input) {
    results { index error { code message } }
    userErrors { code message field }
  }
}
"""
RECORD_EVENTS = """
mutation RecordEvents($input: RecordEventsInput!) {
  recordEvents(input: $input) {
    results {
      index key outcome
      error { code message }
      links { target url }
      openPixel
    }
    userErrors { code message field }
  }
}
"""
_LONGEST_WAIT = 5.0
_LAST_ANSWER = 2.0


class Refused(Exception):
    """The server understood and will not: sending the same again would not help."""


class GaveUp(Exception):
    """Told to end while the server was away: the request was not acknowledged."""


class Partner:
    """Resends a request unchanged until it is acknowledged, so that nothing is lost or doubled."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        token: str,
        stopping: asyncio.Event,
        tell: Callable[[str], None],
    ) -> None:
        self._client = client
        self._url = f"{url.rstrip('/')}/graphql"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stopping = stopping
        self._tell = tell
        self._random = Random()  # noqa: S311  Spreads retries; no secret.
        self.retries = 0

    async def upsert_journey(self, journey: dict[str, Any]) -> None:
        payload = await self._ask(UPSERT_JOURNEY, journey)
        _check(payload["upsertJourney"]["userErrors"])

    async def upsert_contacts(self, contacts: Sequence[dict[str, Any]]) -> None:
        payload = await self._ask(UPSERT_CONTACTS, {"contacts": list(contacts)})
        answer = payload["upsertContacts"]
        errors = [result["error"] for result in answer["results"] if result["error"]]
        _check(answer["userErrors"] + errors)

    async def record(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """A result for each event, in their order."""
        payload = await self._ask(RECORD_EVENTS, {"events": list(events)})
        answer = payload["recordEvents"]
        _check(answer["userErrors"])
        results: list[dict[str, Any]] = answer["results"]
        return results

    async def _ask(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = {"query": document, "variables": {"input": variables}}
        attempt = 0
        while True:
            try:
                data = _data(await self._post(body))
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise Refused(f"{self._url} is no address to write to: {error}") from None
            except httpx.TransportError as error:
                problem = f"{type(error).__name__} {error}".strip()
            else:
                if isinstance(data, dict):
                    return data
                problem = data
            if self._stopping.is_set():
                raise GaveUp(f"the last request was not acknowledged: {problem}")
            if attempt == 0:
                self._tell(
                    f"the server is away ({problem}); sending the same again until it answers"
                )
            attempt += 1
            self.retries += 1
            # Full jitter: partners that lost the same server do not come back in step.
            wait = self._random.uniform(0.1, min(_LONGEST_WAIT, 0.2 * 2 ** min(attempt, 6)))
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
            except TimeoutError:
                continue

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        """The answer; told to end, it waits a little for the one that is under way."""
        posting = asyncio.create_task(
            self._client.post(self._url, json=body, headers=self._headers)
        )
        ending = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((posting, ending), return_when=asyncio.FIRST_COMPLETED)
            if not posting.done():
                await asyncio.wait((posting,), timeout=_LAST_ANSWER)
            if not posting.done():
                raise GaveUp("the last request was not acknowledged: no answer")
            return posting.result()
        finally:
            posting.cancel()
            ending.cancel()


def _data(response: httpx.Response) -> dict[str, Any] | str:
    """The data, or in words why to try again; what cannot succeed raises Refused."""
    if response.status_code in (401, 403):
        raise Refused(
            "The token was refused: use one made with "
            "`trackside token create --scope read,integrate`."
        )
    if response.status_code == 429 or response.status_code >= 500:
        return f"HTTP {response.status_code}"
    try:
        answer = response.json()
    except ValueError:
        raise Refused(
            f"{response.url} answered HTTP {response.status_code} and no JSON: is this trackside?"
        ) from None
    errors = answer.get("errors") or []
    if any(_code(error) == "INTERNAL_SERVER_ERROR" for error in errors):
        return str(errors[0]["message"])
    if errors:
        raise Refused(str(errors[0]["message"]))
    data: dict[str, Any] = answer["data"]
    return data


def _code(error: dict[str, Any]) -> str:
    return str((error.get("extensions") or {}).get("code", ""))


def _check(errors: Sequence[dict[str, Any]]) -> None:
    if errors:
        raise Refused(f"{errors[0]['code']}: {errors[0]['message']}")
