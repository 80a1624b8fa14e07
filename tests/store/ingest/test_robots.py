"""Robots: the verdict that falls with the third link, over batches, and where it ends."""

from store import Database, tables
from store.ingest import robots
from store.ingest.events import Delivery
from store.words import DeliveryKind
from tests.support.factories import Workspace, a_house, after, delivered


def followed(link: int, seconds: float) -> Delivery:
    return delivered(
        DeliveryKind.CLICKED,
        at=after(seconds),
        url=f"https://shop.example/{link}",
        link=link,
    )


async def suspected(house: Workspace) -> list[bool]:
    """Of each click, in the order of the log."""
    rows = await house.rows(tables.log, delivery=DeliveryKind.CLICKED)
    return [row["is_suspected_bot"] for row in sorted(rows, key=lambda row: int(row["seq"]))]


async def test_links_that_a_person_follows_one_after_the_other_count(database: Database) -> None:
    house = await a_house(database)

    for link in (1, 2, 3, 4):
        await house.record(followed(link, seconds=6 * link))

    assert await suspected(house) == [False] * 4
    assert (await house.message())["click_count"] == 4


async def test_one_link_followed_again_and_again_counts(database: Database) -> None:
    house = await a_house(database)

    await house.record(*(followed(1, seconds=number / 10) for number in range(20)))

    assert (await house.message())["click_count"] == 20


async def test_what_a_person_does_later_counts(database: Database) -> None:
    house = await a_house(database)
    for link in (1, 2, 3):
        await house.record(followed(link, seconds=link))

    await house.record(followed(2, seconds=3_600))

    message = await house.message()
    assert await suspected(house) == [True, True, True, False]
    assert (message["click_count"], message["raw_click_count"]) == (1, 4)
    assert (message["first_click_at"], message["status"]) == (after(3_600), DeliveryKind.CLICKED)


async def test_what_else_is_known_of_the_message_stays(database: Database) -> None:
    house = await a_house(database)
    await house.record(
        delivered(DeliveryKind.DELIVERED, at=after(1)),
        delivered(DeliveryKind.OPENED, at=after(2)),
        delivered(DeliveryKind.CLICKED, at=after(3), url="https://shop.example/told"),
    )

    for link in (1, 2, 3):
        await house.record(followed(link, seconds=link))

    message = await house.message()
    assert (message["delivered_at"], message["first_open_at"]) == (after(1), after(2))
    assert (message["click_count"], message["first_click_at"]) == (1, after(3))
    assert message["last_clicked_url"] == "https://shop.example/told"


async def test_the_verdict_is_a_fact_of_the_log(database: Database) -> None:
    house = await a_house(database)

    for link in (1, 2, 3):
        await house.record(followed(link, seconds=link))

    (verdict,) = await house.rows(tables.log, change="ROBOT_SUSPECTED")
    assert verdict["detail"] == {"events": 3, "signals": [robots.SIGNAL]}
    assert verdict["communication_id"] == (await house.message())["id"]


async def test_a_message_clicked_very_often_is_judged_no_more(database: Database) -> None:
    house = await a_house(database)
    await house.record(
        *(followed(1, seconds=number) for number in range(robots.EVENTS_AT_MOST)),
    )

    await house.record(*(followed(link, seconds=9_000) for link in (1, 2, 3)))

    assert (await house.message())["click_count"] == robots.EVENTS_AT_MOST + 3
