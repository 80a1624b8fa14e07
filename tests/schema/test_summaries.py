"""Summaries: one plain sentence for whatever happened."""

from typing import Any

import pytest

from schema.summaries import summary
from store import rows
from store.types import MINUTE
from store.words import ActivityKind, Channel
from tests.support.factories import NOW


def happened(kind: ActivityKind, **values: Any) -> str:
    """The sentence of an activity; step and resource by their names."""
    row = named(rows.Activity)
    step, resource = values.pop("step", None), values.pop("resource", None)
    columns = {
        "activity": kind.value,
        "channel": None,
        "url": None,
        "reason": None,
        "source": "Shop",
        "is_ignored": False,
        "is_suspected_bot": False,
        "detail": None,
        "step": None if step is None else named(rows.JourneyStep, step),
        "resource": None if resource is None else named(rows.Resource, resource),
        **values,
    }
    for name, value in columns.items():
        object.__setattr__(row, name, value)
    return summary(row)


def named(kind: type, name: str | None = None) -> Any:
    """A row of this kind, of which only its name was read."""
    row: object = object.__new__(kind)
    if name is not None:
        object.__setattr__(row, "name", name)
    return row


MAIL = {"step": "Greeting", "resource": "Welcome", "channel": Channel.EMAIL.value}


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        ("ENTERED", {}, "The contact entered the journey."),
        ("STEP_ENTERED", {"step": "Greeting"}, "The entry reached the step “Greeting”."),
        ("STEP_COMPLETED", {"step": "Greeting"}, "The step “Greeting” was completed."),
        ("STEP_SKIPPED", {"step": "Greeting"}, "The step “Greeting” was skipped."),
        (
            "STEP_FAILED",
            {"step": "Greeting", "reason": "No template."},
            "The step “Greeting” failed: No template.",
        ),
        (
            "WAITING",
            {
                "step": "Greeting",
                "detail": {"waitingFor": "deposit", "waitingUntil": NOW + MINUTE},
            },
            "The entry waits at the step “Greeting” for “deposit” until 2026-11-22T00:01:00Z.",
        ),
        ("WAITING", {}, "The entry waits."),
        (
            "HELD_OUT",
            {"step": "Greeting"},
            "A message was held back at the step “Greeting”: the contact is in the control group.",
        ),
        (
            "MESSAGE_CREATED",
            MAIL,
            "The message “Welcome” by e-mail was created at the step “Greeting”.",
        ),
        ("MESSAGE_SENT", MAIL, "The message “Welcome” by e-mail was sent at the step “Greeting”."),
        (
            "MESSAGE_DELIVERED",
            {"resource": "Code", "channel": "SMS"},
            "The message “Code” by text message was delivered.",
        ),
        (
            "MESSAGE_SEEN",
            {"resource": "Sale", "channel": "POPUP"},
            "The contact saw the message “Sale” as a pop-up.",
        ),
        (
            "MESSAGE_OPENED",
            MAIL,
            "The contact opened the message “Welcome” by e-mail at the step “Greeting”.",
        ),
        (
            "MESSAGE_CLICKED",
            {**MAIL, "url": "https://example.org"},
            "The contact followed the link https://example.org in the message “Welcome” by e-mail "
            "at the step “Greeting”.",
        ),
        (
            "MESSAGE_FAILED",
            {**MAIL, "reason": "no route"},
            "The message “Welcome” by e-mail could not be sent at the step “Greeting”: no route.",
        ),
        (
            "MESSAGE_BOUNCED",
            {"resource": "Welcome", "channel": "EMAIL", "reason": "mailbox full"},
            "The message “Welcome” by e-mail bounced: mailbox full.",
        ),
        (
            "MESSAGE_SUPPRESSED",
            {"resource": "Welcome", "channel": "PUSH"},
            "The message “Welcome” as a push notification was suppressed.",
        ),
        (
            "MESSAGE_COMPLAINED",
            {"resource": "Welcome", "channel": "EMAIL"},
            "The contact reported the message “Welcome” by e-mail as spam.",
        ),
        (
            "MESSAGE_UNSUBSCRIBED",
            {"resource": "Welcome", "channel": "EMAIL"},
            "The contact unsubscribed through the message “Welcome” by e-mail.",
        ),
        (
            "BONUS_ISSUED",
            {"detail": {"bonus": {"name": "Spin", "amount": "2.5", "currency": "EUR"}}},
            "The bonus “Spin” of 2.5 EUR was issued.",
        ),
        (
            "BONUS_RECEIVED",
            {"step": "Gift", "detail": {"bonus": {"name": "Spin"}}},
            "The bonus “Spin” was received by the contact at the step “Gift”.",
        ),
        ("REWARD_EARNED", {"detail": {"reward": "mug"}}, "The contact earned the reward “mug”."),
        ("REWARD_SENT", {}, "A reward was sent to the contact."),
        (
            "SURVEY_ANSWERED",
            {"detail": {"question": "why", "choices": ["a"], "text": "because"}},
            "The contact answered the survey question “why” with “a”, “because”.",
        ),
        ("PROMO_REDEEMED", {"detail": {"promo": "p1"}}, "The contact redeemed the promo “p1”."),
        ("CONVERTED", {"reason": "deposit"}, "The contact converted: deposit."),
        (
            "STOPPED",
            {"reason": "complained"},
            "The campaign was stopped for the contact by Shop: complained.",
        ),
        ("STOP_UNDONE", {}, "The stop of the campaign was undone by Shop."),
        ("EXITED", {"reason": "too old"}, "The entry left the journey by an exit rule: too old."),
        ("COMPLETED", {}, "The entry completed the journey."),
        ("ENTRY_FAILED", {"reason": "crash"}, "The entry ended by a failure: crash."),
    ],
)
def test_each_kind_of_activity_has_its_sentence(
    kind: str, values: dict[str, Any], sentence: str
) -> None:
    assert happened(ActivityKind(kind), **values) == sentence


@pytest.mark.parametrize("kind", list(ActivityKind))
def test_what_a_stop_made_ineffective_says_so(kind: ActivityKind) -> None:
    sentence = happened(kind, is_ignored=True)

    assert sentence.endswith(", but without effect: the campaign had been stopped.")
    assert sentence[0].isupper()
    assert "None" not in sentence
