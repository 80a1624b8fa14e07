"""Summaries: what happened to an entry, as one plain sentence."""

from collections.abc import Callable
from typing import Any

from schema.enums import ActivityKind, Channel
from schema.scalars import write_instant
from store import rows
from store.want import want

SUMMARY_COLUMNS = (
    "activity",
    "channel",
    "url",
    "reason",
    "source",
    "is_ignored",
    "is_suspected_bot",
    "detail",
)
SUMMARY_RELATIONS = {"step": want(["name"]), "resource": want(["name"])}

BY = {
    Channel.EMAIL: "by e-mail",
    Channel.SMS: "by text message",
    Channel.IVR: "by voice call",
    Channel.POPUP: "as a pop-up",
    Channel.PUSH: "as a push notification",
    Channel.INBOX: "in the inbox",
    Channel.WEB: "on the web",
    Channel.WHATSAPP: "by WhatsApp",
    Channel.VIBER: "by Viber",
    Channel.TELEGRAM: "by Telegram",
    Channel.WEBHOOK: "by webhook",
}


def summary(activity: rows.Activity) -> str:
    sentence = _SENTENCES[ActivityKind(activity.activity)](activity)
    if activity.is_ignored:
        sentence += ", but without effect: the campaign had been stopped"
    if activity.is_suspected_bot:
        sentence += ", but it seems to be the doing of a robot"
    return sentence + "."


Say = Callable[[rows.Activity], str]


def _quoted(text: object) -> str:
    return f"“{text}”"


def _step(activity: rows.Activity) -> str:
    return f"the step {_quoted(activity.step.name)}" if activity.step else "a step"


def _at_step(activity: rows.Activity) -> str:
    return f" at {_step(activity)}" if activity.step else ""


def _message(activity: rows.Activity) -> str:
    name = f" {_quoted(activity.resource.name)}" if activity.resource else ""
    by = f" {BY[Channel(activity.channel)]}" if activity.channel else ""
    return f"the message{name}{by}"


def _because(activity: rows.Activity) -> str:
    return f": {activity.reason.rstrip('.')}" if activity.reason else ""


def _detail(activity: rows.Activity) -> dict[str, Any]:
    return activity.detail or {}


def _said(text: str) -> Say:
    return lambda activity: text + _because(activity)


def _of_step(verb: str) -> Say:
    return lambda activity: f"{_capital(_step(activity))} {verb}{_because(activity)}"


def _of_message(verb: str) -> Say:
    return lambda activity: (
        f"{_capital(_message(activity))} {verb}{_at_step(activity)}{_because(activity)}"
    )


def _by_contact(verb: str) -> Say:
    return lambda activity: f"The contact {verb} {_message(activity)}{_at_step(activity)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _clicked(activity: rows.Activity) -> str:
    link = f"the link {activity.url}" if activity.url else "a link"
    return f"The contact followed {link} in {_message(activity)}{_at_step(activity)}"


def _waiting(activity: rows.Activity) -> str:
    detail = _detail(activity)
    awaited, until = detail.get("waitingFor"), detail.get("waitingUntil")
    for_what = f" for {_quoted(awaited)}" if awaited else ""
    how_long = f" until {write_instant(until)}" if until is not None else ""
    return f"The entry waits{_at_step(activity)}{for_what}{how_long}{_because(activity)}"


def _bonus(verb: str) -> Say:
    def say(activity: rows.Activity) -> str:
        bonus = _detail(activity).get("bonus") or {}
        name = f" {_quoted(bonus['name'])}" if bonus.get("name") else ""
        figures = [str(bonus[key]) for key in ("amount", "currency") if bonus.get(key) is not None]
        amount = f" of {' '.join(figures)}" if bonus.get("amount") is not None else ""
        return f"The bonus{name}{amount} was {verb}{_at_step(activity)}{_because(activity)}"

    return say


def _reward(activity: rows.Activity) -> str:
    reward = _detail(activity).get("reward")
    return f"the reward {_quoted(reward)}" if reward else "a reward"


def _survey(activity: rows.Activity) -> str:
    detail = _detail(activity)
    question = f" {_quoted(detail['question'])}" if detail.get("question") else ""
    answers = [*(detail.get("choices") or ()), *([detail["text"]] if detail.get("text") else ())]
    answer = f" with {', '.join(map(_quoted, answers))}" if answers else ""
    return f"The contact answered the survey question{question}{answer}"


def _promo(activity: rows.Activity) -> str:
    promo = _detail(activity).get("promo")
    return f"The contact redeemed {f'the promo {_quoted(promo)}' if promo else 'a promo'}"


def _stopped(activity: rows.Activity) -> str:
    return f"The campaign was stopped for the contact by {activity.source}{_because(activity)}"


def _stop_undone(activity: rows.Activity) -> str:
    return f"The stop of the campaign was undone by {activity.source}{_because(activity)}"


_SENTENCES: dict[ActivityKind, Say] = {
    ActivityKind.ENTERED: _said("The contact entered the journey"),
    ActivityKind.STEP_ENTERED: lambda activity: f"The entry reached {_step(activity)}",
    ActivityKind.STEP_COMPLETED: _of_step("was completed"),
    ActivityKind.STEP_SKIPPED: _of_step("was skipped"),
    ActivityKind.STEP_FAILED: _of_step("failed"),
    ActivityKind.WAITING: _waiting,
    ActivityKind.HELD_OUT: lambda activity: (
        f"A message was held back{_at_step(activity)}: the contact is in the control group"
    ),
    ActivityKind.MESSAGE_CREATED: _of_message("was created"),
    ActivityKind.MESSAGE_SENT: _of_message("was sent"),
    ActivityKind.MESSAGE_DELIVERED: _of_message("was delivered"),
    ActivityKind.MESSAGE_SEEN: _by_contact("saw"),
    ActivityKind.MESSAGE_OPENED: _by_contact("opened"),
    ActivityKind.MESSAGE_CLICKED: _clicked,
    ActivityKind.MESSAGE_FAILED: _of_message("could not be sent"),
    ActivityKind.MESSAGE_BOUNCED: _of_message("bounced"),
    ActivityKind.MESSAGE_SUPPRESSED: _of_message("was suppressed"),
    ActivityKind.MESSAGE_COMPLAINED: lambda activity: (
        f"The contact reported {_message(activity)} as spam{_at_step(activity)}"
    ),
    ActivityKind.MESSAGE_UNSUBSCRIBED: _by_contact("unsubscribed through"),
    ActivityKind.BONUS_ISSUED: _bonus("issued"),
    ActivityKind.BONUS_RECEIVED: _bonus("received by the contact"),
    ActivityKind.REWARD_EARNED: lambda activity: f"The contact earned {_reward(activity)}",
    ActivityKind.REWARD_SENT: lambda activity: (
        f"{_capital(_reward(activity))} was sent to the contact"
    ),
    ActivityKind.SURVEY_ANSWERED: _survey,
    ActivityKind.PROMO_REDEEMED: _promo,
    ActivityKind.CONVERTED: _said("The contact converted"),
    ActivityKind.STOPPED: _stopped,
    ActivityKind.STOP_UNDONE: _stop_undone,
    ActivityKind.EXITED: _said("The entry left the journey by an exit rule"),
    ActivityKind.COMPLETED: _said("The entry completed the journey"),
    ActivityKind.ENTRY_FAILED: _said("The entry ended by a failure"),
}
