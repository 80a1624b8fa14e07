"""Applying what is known about contacts: events, facts, answers, chosen rewards, promos."""

from typing import Any

from store.folding import search_text
from store.ingest import events as e
from store.ingest.batch import Batch, RewardChoice
from store.ingest.events import Event
from store.ingest.outcomes import ACCEPTED, IGNORED, PENDING, Outcome
from store.ingest.refuse import refuse, unknown_contact, unknown_journey
from store.merge import Passage
from store.types import new_id
from store.words import ActivityKind, ErrorCode


def apply(batch: Batch, event: Event, source: str) -> Outcome:
    match event:
        case e.ContactEvent():
            return _happened(batch, event, source)
        case e.Facts():
            return _facts(batch, event, source)
        case e.SurveyAnswered():
            return _answered(batch, event, source)
        case e.RewardChosen():
            return _chosen(batch, event, source)
        case e.PromoRedeemed():
            return _redeemed(batch, event, source)
    raise AssertionError(event)


def _happened(batch: Batch, event: e.ContactEvent, source: str) -> Outcome:
    contact = batch.known.contacts.get(event.contact)
    if contact is None:
        return unknown_contact(event.contact)
    batch.contact_events.append(
        {
            "contact_id": contact.id,
            "id": new_id(),
            "name": event.name,
            "occurred_at": event.occurred_at,
            "properties": event.properties,
        }
    )
    batch.fact(
        source,
        event.occurred_at,
        change="CONTACT_EVENT",
        contact_id=contact.id,
        detail={"name": event.name},
    )
    return ACCEPTED


def _facts(batch: Batch, event: e.Facts, source: str) -> Outcome:
    contact = batch.known.contacts.get(event.contact)
    if contact is None:
        return unknown_contact(event.contact)
    for part, values in (("gamification", event.gamification), ("financials", event.financials)):
        if values:
            batch.profiles.append((contact.id, part, values, event.occurred_at))
    for name, value in (event.facts or {}).items():
        batch.contact_facts.append(
            {
                "contact_id": contact.id,
                "name": name,
                "value": {"value": value},
                "updated_at": event.occurred_at,
            }
        )
    batch.fact(source, event.occurred_at, change="CONTACT_FACTS", contact_id=contact.id)
    return ACCEPTED


def _answered(batch: Batch, event: e.SurveyAnswered, source: str) -> Outcome:
    journey = batch.known.journeys.get(event.journey)
    if journey is None:
        return unknown_journey(event.journey)
    contact = batch.known.contacts.get(event.contact)
    if contact is None:
        return unknown_contact(event.contact)
    question = journey.questions.get(event.question)
    if question is None:
        return refuse(
            ErrorCode.NOT_FOUND,
            f'No survey of the journey "{event.journey}" asks "{event.question}": '
            "register the question with upsertJourney.",
            "question",
        )
    unknown = [key for key in event.choices if key not in question.choices]
    if unknown:
        return refuse(
            ErrorCode.NOT_FOUND,
            f'The question "{event.question}" has no choice "{unknown[0]}": '
            "register it with upsertJourney.",
            "choices",
        )
    entry: Passage | None = None
    if event.entry is not None:
        entry = batch.known.entries.get(event.entry)
        if entry is None:
            batch.wait("entry", event.entry, event, source)
            return PENDING
        if (entry.contact_id, entry.journey_id) != (contact.id, journey.id):
            return refuse(
                ErrorCode.CONFLICT,
                f'The entry "{event.entry}" is not one of the contact "{event.contact}" in the '
                f'journey "{event.journey}": name the entry in which the survey was answered.',
                "entry",
            )
    else:
        found = batch.open_entries(journey, contact)
        if len(found) > 1:
            return refuse(
                ErrorCode.AMBIGUOUS_ENTRY,
                f'The contact "{event.contact}" has {len(found)} open entries in the journey '
                f'"{event.journey}": name the one that is meant.',
                "entry",
            )
        entry = found[0] if found else None
    is_ignored = entry is not None and entry.is_ignoring(event.occurred_at)
    answer: dict[str, Any] = {
        "contact_id": contact.id,
        "question_id": question.id,
        "journey_id": journey.id,
        "entry_id": None if entry is None else entry.id,
        "choices": [question.choices[key].hex() for key in event.choices],
        "text": event.text,
        "search": None if event.text is None else search_text(event.text),
        "answered_at": event.occurred_at,
    }
    batch.fact(
        source,
        event.occurred_at,
        activity=None if entry is None else ActivityKind.SURVEY_ANSWERED,
        change="SURVEY_ANSWERED",
        entry=entry,
        contact_id=contact.id,
        journey_id=journey.id,
        is_ignored=is_ignored,
        detail={
            "question": event.question,
            "choices": list(event.choices),
            "text": event.text,
        },
    )
    if is_ignored:
        return IGNORED
    if entry is not None:
        batch.touch_entry(entry)
        entry.answer(event.occurred_at)
        batch.responded(entry, source)
    batch.answers.append(answer)
    batch.interacted(contact.id, event.occurred_at)
    return ACCEPTED


def _chosen(batch: Batch, event: e.RewardChosen, source: str) -> Outcome:
    journey = batch.known.journeys.get(event.journey)
    if journey is None:
        return unknown_journey(event.journey)
    contact = batch.known.contacts.get(event.contact)
    if contact is None:
        return unknown_contact(event.contact)
    reward_id = journey.rewards.get(event.reward)
    if reward_id is None:
        return refuse(
            ErrorCode.NOT_FOUND,
            f'The journey "{event.journey}" gives no reward "{event.reward}": '
            "register it with upsertJourney.",
            "reward",
        )
    batch.chosen_rewards.append(RewardChoice(contact.id, journey.id, reward_id, event.occurred_at))
    batch.responses[contact.id] = source
    batch.fact(
        source,
        event.occurred_at,
        change="REWARD_CHOSEN",
        contact_id=contact.id,
        journey_id=journey.id,
        detail={"reward": event.reward},
    )
    return ACCEPTED


def _redeemed(batch: Batch, event: e.PromoRedeemed, source: str) -> Outcome:
    contact = batch.known.contacts.get(event.contact)
    if contact is None:
        return unknown_contact(event.contact)
    promo_id = batch.known.promos.get(event.promo)
    if promo_id is None:
        return refuse(
            ErrorCode.NOT_FOUND,
            f'There is no promo "{event.promo}": register it with upsertPromo.',
            "promo",
        )
    batch.redemptions.append(
        {
            "contact_id": contact.id,
            "promo_id": promo_id,
            "kind": event.kind,
            "at": event.occurred_at,
        }
    )
    batch.interacted(contact.id, event.occurred_at)
    batch.fact(
        source,
        event.occurred_at,
        change="PROMO_REDEEMED",
        contact_id=contact.id,
        detail={"promo": event.promo, "kind": event.kind},
    )
    return ACCEPTED
