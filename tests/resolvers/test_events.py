"""Recording events: who may, how many, how old, and the links that come back."""

from dataclasses import replace

import pytest

from resolvers import events, tracked_links
from resolvers.context import Forbidden
from resolvers.events import Unreadable, record_first_party
from store import Database, tables
from store.refusals import Refusal
from store.types import DAY, MINUTE, Instant
from store.words import DeliveryKind, ErrorCode, EventOutcome, Scope
from subscriptions.cursors import LogCursor
from tests.support.factories import (
    NOW,
    Workspace,
    a_context,
    a_house,
    announced,
    converted,
    delivered,
)

INTEGRATE, ADMIN = Scope.INTEGRATE, Scope.ADMIN


@pytest.fixture
async def house(database: Database) -> Workspace:
    """The entry e1 with its message m1."""
    return await a_house(database)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.OPERATE])
async def test_recording_needs_the_scope_integrate(house: Workspace, scope: Scope) -> None:
    with pytest.raises(Forbidden, match="integrate"):
        await events.record(a_context(house, scope), [converted()])

    assert (await house.entry())["converted_at"] is None


async def test_history_needs_the_scope_admin(house: Workspace) -> None:
    with pytest.raises(Forbidden, match="admin"):
        await events.record(a_context(house, INTEGRATE), [converted()], backfill=True)

    assert (await house.entry())["converted_at"] is None


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW - 7 * DAY, None),
        (NOW - 7 * DAY - 1, ErrorCode.TOO_OLD),
        (NOW + 5 * MINUTE, None),
        (NOW + 5 * MINUTE + 1, ErrorCode.IN_FUTURE),
        (-(2**62), ErrorCode.TOO_OLD),
        (2**62, ErrorCode.IN_FUTURE),
    ],
)
async def test_an_event_is_at_most_7_days_old_and_5_minutes_ahead(
    house: Workspace, at: Instant, code: ErrorCode | None
) -> None:
    good = delivered(DeliveryKind.CLICKED)

    recorded = await events.record(a_context(house, INTEGRATE), [converted(at=at), good])

    first, second = recorded.results
    assert (first.error.code if first.error else None) == code
    assert second.outcome is EventOutcome.ACCEPTED
    if first.error is not None:
        assert (first.outcome, first.error.field) == (EventOutcome.REJECTED, ("occurredAt",))


async def test_history_may_be_of_any_age(house: Workspace) -> None:
    at = -(10**15)

    recorded = await events.record(
        a_context(house, ADMIN), [delivered(DeliveryKind.DELIVERED, at=at)], backfill=True
    )

    assert [one.outcome for one in recorded.results] == [EventOutcome.ACCEPTED]
    message = await house.message()
    assert (message["status"], message["delivered_at"]) == ("DELIVERED", at)


async def test_history_is_not_of_the_future(house: Workspace) -> None:
    recorded = await events.record(
        a_context(house, ADMIN), [converted(at=NOW + DAY)], backfill=True
    )

    (result,) = recorded.results
    assert result.error is not None
    assert result.error.code is ErrorCode.IN_FUTURE


@pytest.mark.parametrize(("number", "code"), [(0, "EMPTY_SELECTION"), (1_001, "TOO_MANY")])
async def test_a_call_takes_1_to_1000_events(house: Workspace, number: int, code: str) -> None:
    before = await house.facts()

    recorded = await events.record(
        a_context(house, INTEGRATE), [delivered() for _ in range(number)]
    )

    assert [one.code for one in recorded.refusals] == [code]
    assert recorded.results == ()
    assert await house.facts() == before


async def test_1000_events_are_taken(house: Workspace) -> None:
    recorded = await events.record(
        a_context(house, INTEGRATE), [delivered(DeliveryKind.CLICKED) for _ in range(1_000)]
    )

    assert {one.outcome for one in recorded.results} == {EventOutcome.ACCEPTED}
    assert [one.index for one in recorded.results] == list(range(1_000))
    assert (await house.message())["click_count"] == 1_000


async def test_an_unreadable_event_is_refused_in_its_place(house: Workspace) -> None:
    refusal = Refusal(ErrorCode.INVALID, "That is no time.", ("occurredAt",))
    first, last = converted(), delivered()

    recorded = await events.record(
        a_context(house, INTEGRATE), [first, Unreadable("bad", refusal), last]
    )

    assert [(one.index, one.key, one.outcome) for one in recorded.results] == [
        (0, first.key, EventOutcome.ACCEPTED),
        (1, "bad", EventOutcome.REJECTED),
        (2, last.key, EventOutcome.ACCEPTED),
    ]
    assert recorded.results[1].error == refusal


async def test_only_bad_events_write_nothing(house: Workspace) -> None:
    before = await house.facts()

    recorded = await events.record(a_context(house, INTEGRATE), [converted(at=NOW + DAY)])

    assert recorded.cursor is None
    assert await house.facts() == before


async def test_the_cursor_stands_behind_the_events(house: Workspace) -> None:
    context = a_context(house, INTEGRATE)

    recorded = await events.record(context, [converted()])

    (head,) = await house.rows(tables.heads)
    assert recorded.cursor is not None
    assert LogCursor.decode(context.signer, recorded.cursor) == LogCursor(
        head["epoch"], head["seq"], head["recorded_at"], head["nonce"]
    )


async def test_urls_come_back_as_tracked_links_in_the_order_given(house: Workspace) -> None:
    context = a_context(house, INTEGRATE)
    urls = ("https://shop.example/b", "https://shop.example/a", "https://shop.example/b")

    recorded = await events.record(context, [announced("m2", links=urls)])

    (result,) = recorded.results
    message = await house.message("m2")
    assert [target for target, _ in result.links] == list(urls)
    for position, (_, url) in enumerate(result.links, start=1):
        assert url.startswith("https://track.example/c/")
        link = tracked_links.read(context.signer, url.rpartition("/")[2])
        assert (link.workspace_id, link.communication_id, link.position) == (
            house.id,
            message["id"],
            position,
        )
    assert result.open_pixel is not None
    pixel = tracked_links.read(
        context.signer, result.open_pixel.rpartition("/")[2].removesuffix(".gif")
    )
    assert (pixel.communication_id, pixel.position) == (message["id"], 0)


async def test_a_message_sent_again_gets_the_same_addresses(house: Workspace) -> None:
    message = announced("m2", links=("https://shop.example/a",))
    first = await events.record(a_context(house, INTEGRATE), [message])

    again = await events.record(
        a_context(house, INTEGRATE, now=NOW + DAY), [replace(message, occurred_at=NOW + 1)]
    )

    assert again.results[0].outcome is EventOutcome.DUPLICATE
    assert again.results[0].links == first.results[0].links


async def test_a_key_is_the_partners_whichever_token_it_uses(house: Workspace) -> None:
    event = converted()
    await events.record(a_context(house, INTEGRATE, source="Shop"), [event])

    recorded = await events.record(a_context(house, INTEGRATE, source="CRM"), [event])

    assert [one.outcome for one in recorded.results] == [EventOutcome.DUPLICATE]


async def test_the_source_is_the_name_of_the_token(house: Workspace) -> None:
    await events.record(a_context(house, INTEGRATE, source="CRM"), [converted()])

    assert (await house.facts())[-1]["source"] == "CRM"


async def test_what_a_contact_did_with_a_link_is_recorded_by_the_house_itself(
    house: Workspace,
) -> None:
    context = a_context(house)
    click = delivered(DeliveryKind.CLICKED, key="k", url="https://shop.example")

    await record_first_party(context.recorder, house.id, click, source="link")

    row = (await house.facts())[-1]
    assert (row["delivery"], row["source"], row["url"]) == (
        "CLICKED",
        "link",
        "https://shop.example",
    )


async def test_a_partner_cannot_take_the_key_of_a_link(house: Workspace) -> None:
    context = a_context(house, INTEGRATE)
    await events.record(context, [delivered(DeliveryKind.OPENED, key="k")])

    await record_first_party(
        context.recorder, house.id, delivered(DeliveryKind.CLICKED, key="k"), source="link"
    )

    assert (await house.message())["click_count"] == 1


async def test_events_of_one_workspace_touch_no_other(house: Workspace, database: Database) -> None:
    other = await a_house(database)
    event = converted()
    await events.record(a_context(house, INTEGRATE), [event])

    recorded = await events.record(
        a_context(other, INTEGRATE), [event, delivered(DeliveryKind.CLICKED)]
    )

    assert [one.outcome for one in recorded.results] == [EventOutcome.ACCEPTED] * 2
    assert (await house.message())["click_count"] == 0
