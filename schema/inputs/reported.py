"""Reported events: from what graphql-core read straight to the store's values.

Strawberry's own conversion would build an object for each input first, at 0.15 ms an event.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from resolvers.events import Unreadable
from schema.enums import ErrorCode
from schema.inputs import limits
from schema.inputs.events import LINKS_AT_MOST, VALUES_AT_MOST
from schema.inputs.limits import ID_LENGTH, NAME_LENGTH, REASON_LENGTH, Path, Refused
from schema.scalars import URL_LENGTH, write_decimal, write_instant
from store.ingest import events as e
from store.types import Instant

Raw = Mapping[str, Any]


def event(raw: Raw) -> e.Event | Unreadable:
    """The event of one EventInput; paths of refusals are inside the field that was used."""
    ((kind, values),) = raw.items()
    try:
        return _READ[kind](_Values(values, ()))
    except Refused as refused:
        return Unreadable(values["key"], refused.refusal)


def kind(raw: Raw) -> str:
    """The field of EventInput that was used."""
    (used,) = raw
    return used


class _Values:
    """The values of one input object by their names in the API, each checked."""

    def __init__(self, raw: Raw, path: Path) -> None:
        self.raw, self.path = raw, path

    def name(self, field: str, limit: int = ID_LENGTH) -> str:
        return limits.name(self.raw[field], (*self.path, field), limit)

    def optional_name(self, field: str, limit: int = ID_LENGTH) -> str | None:
        return None if self.raw.get(field) is None else self.name(field, limit)

    def optional_text(self, field: str, limit: int = REASON_LENGTH) -> str | None:
        value = self.raw.get(field)
        return None if value is None else limits.text(value, (*self.path, field), limit)

    def scalar(self, field: str) -> Any:
        """A DateTime, a URL or a Decimal; None when it was left out."""
        return limits.readable(self.raw.get(field), (*self.path, field))

    def json(self, field: str) -> Any:
        value = self.raw.get(field)
        return None if value is None else limits.json(value, (*self.path, field))

    def items(self, field: str, at_most: int) -> Sequence[Any]:
        values: Sequence[Any] = self.raw.get(field) or ()
        if len(values) > at_most:
            raise Refused(
                ErrorCode.TOO_MANY,
                f"{field}: {len(values)} values are too many, at most {at_most} are taken.",
                (*self.path, field),
            )
        return values

    def names(self, field: str) -> tuple[str, ...]:
        return tuple(
            limits.name(value, (*self.path, field, index), ID_LENGTH)
            for index, value in enumerate(self.items(field, VALUES_AT_MOST))
        )

    def inner(self, field: str) -> "_Values | None":
        value = self.raw.get(field)
        return None if value is None else _Values(value, (*self.path, field))

    @property
    def key(self) -> str:
        return self.name("key")

    @property
    def occurred_at(self) -> Instant:
        at: Instant = self.scalar("occurredAt")
        return at

    @property
    def contact(self) -> e.ContactRef:
        ref = self.inner("contact")
        assert ref is not None
        return _contact(ref)


def _contact(ref: _Values) -> e.ContactRef:
    return e.ContactRef(
        external_username=ref.optional_name("externalUsername"),
        email=ref.optional_name("email", NAME_LENGTH),
        link_code=ref.optional_name("linkCode"),
    )


def _journey_entered(values: _Values) -> e.JourneyEntered:
    return e.JourneyEntered(
        key=values.key,
        occurred_at=values.occurred_at,
        journey=values.name("journey"),
        contact=values.contact,
        entry=values.name("entry"),
        in_control_group=values.raw["inControlGroup"],
    )


def _step_reached(values: _Values) -> e.StepReached:
    bonus = values.inner("bonus")
    return e.StepReached(
        key=values.key,
        occurred_at=values.occurred_at,
        entry=values.name("entry"),
        kind=values.raw["kind"],
        step=values.optional_name("step"),
        waiting_for=values.optional_text("waitingFor", NAME_LENGTH),
        waiting_until=values.scalar("waitingUntil"),
        bonus=None if bonus is None else _bonus(bonus),
        reason=values.optional_text("reason"),
        detail=values.json("detail"),
    )


def _bonus(values: _Values) -> e.Bonus:
    return e.Bonus(
        name=values.name("name", NAME_LENGTH),
        amount=values.scalar("amount"),
        currency=values.optional_name("currency"),
    )


def _communication(values: _Values) -> e.CommunicationCreated:
    contact = values.inner("contact")
    return e.CommunicationCreated(
        key=values.key,
        occurred_at=values.occurred_at,
        communication=values.name("communication"),
        channel=values.raw["channel"],
        resource=values.name("resource", NAME_LENGTH),
        entry=values.optional_name("entry"),
        journey=values.optional_name("journey"),
        contact=None if contact is None else _contact(contact),
        step=values.optional_name("step"),
        links=tuple(
            limits.text(
                limits.readable(link, (*values.path, "links", index)),
                (*values.path, "links", index),
                URL_LENGTH,
            )
            for index, link in enumerate(values.items("links", LINKS_AT_MOST))
        ),
        provider_message_id=_bare(values.optional_name("providerMessageId")),
    )


def _bare(message_id: str | None) -> str | None:
    """Without the brackets of a Message-ID: some providers report with them, some without."""
    return message_id and (message_id.removeprefix("<").removesuffix(">") or message_id)


def _delivery(values: _Values) -> e.Delivery:
    return e.Delivery(
        key=values.key,
        occurred_at=values.occurred_at,
        communication=values.name("communication"),
        kind=values.raw["kind"],
        url=values.scalar("url"),
        reason=values.optional_text("reason"),
    )


def _turn(
    turn: type[e.Converted] | type[e.Exited] | type[e.Completed] | type[e.Failed],
) -> Callable[[_Values], e.EntryEvent]:
    return lambda values: turn(
        key=values.key,
        occurred_at=values.occurred_at,
        entry=values.name("entry"),
        reason=values.optional_text("reason"),
    )


def _contact_event(values: _Values) -> e.ContactEvent:
    return e.ContactEvent(
        key=values.key,
        occurred_at=values.occurred_at,
        contact=values.contact,
        name=values.name("name"),
        properties=values.json("properties"),
    )


def _facts(values: _Values) -> e.Facts:
    return e.Facts(
        key=values.key,
        occurred_at=values.occurred_at,
        contact=values.contact,
        gamification=_figures(values.inner("gamification")),
        financials=_figures(values.inner("financials")),
        facts=_free_facts(values),
    )


def _figures(values: _Values | None) -> dict[str, Any] | None:
    """Figures by their names in the API, as they are shown; what is null is left out."""
    if values is None:
        return None
    figures: dict[str, Any] = {}
    for field, value in values.raw.items():
        if value is None:
            continue
        if isinstance(value, list):
            figures[field] = list(values.names(field))
        elif isinstance(value, str):
            figures[field] = values.name(field)
        elif field == "lastDepositAt":
            figures[field] = write_instant(values.scalar(field))
        else:
            read = values.scalar(field)
            figures[field] = write_decimal(read) if isinstance(read, Decimal) else read
    return figures


def _free_facts(values: _Values) -> dict[str, Any] | None:
    facts = values.json("facts")
    if facts is None:
        return None
    path = (*values.path, "facts")
    if not isinstance(facts, dict):
        raise Refused(ErrorCode.INVALID, "facts: a JSON object is needed, name by name.", path)
    if len(facts) > VALUES_AT_MOST:
        raise Refused(
            ErrorCode.TOO_MANY,
            f"facts: {len(facts)} facts are too many, at most {VALUES_AT_MOST} are taken.",
            path,
        )
    return {limits.name(name, (*path, name)): value for name, value in facts.items()}


def _survey_answered(values: _Values) -> e.SurveyAnswered:
    return e.SurveyAnswered(
        key=values.key,
        occurred_at=values.occurred_at,
        contact=values.contact,
        journey=values.name("journey"),
        question=values.name("question"),
        entry=values.optional_name("entry"),
        choices=values.names("choices"),
        text=values.optional_text("text"),
    )


def _reward_chosen(values: _Values) -> e.RewardChosen:
    return e.RewardChosen(
        key=values.key,
        occurred_at=values.occurred_at,
        contact=values.contact,
        journey=values.name("journey"),
        reward=values.name("reward"),
    )


def _promo_redeemed(values: _Values) -> e.PromoRedeemed:
    return e.PromoRedeemed(
        key=values.key,
        occurred_at=values.occurred_at,
        contact=values.contact,
        promo=values.name("promo"),
        kind=values.raw["kind"],
    )


_READ: dict[str, Callable[[_Values], e.Event]] = {
    "journeyEntered": _journey_entered,
    "stepReached": _step_reached,
    "communication": _communication,
    "delivery": _delivery,
    "converted": _turn(e.Converted),
    "exited": _turn(e.Exited),
    "completed": _turn(e.Completed),
    "failed": _turn(e.Failed),
    "contactEvent": _contact_event,
    "facts": _facts,
    "surveyAnswered": _survey_answered,
    "rewardChosen": _reward_chosen,
    "promoRedeemed": _promo_redeemed,
}
