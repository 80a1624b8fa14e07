"""Lives: what one contact goes through in one entry of a sample journey, event by event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from server.sample_journeys import HABITS, SampleJourney, SampleStep
from store.ingest.events import (
    Bonus,
    CommunicationCreated,
    Completed,
    ContactRef,
    Converted,
    Delivery,
    Event,
    Exited,
    Failed,
    JourneyEntered,
    StepReached,
)
from store.types import DAY, HOUR, MINUTE, SECOND, Instant
from store.words import Channel, DeliveryKind, StepKind

STUCK_SHARE = 0.02
STEP_FAILED_SHARE = 0.012
EXIT_SHARE = 0.015
CONTROL_CONVERSION_SHARE = 0.06


def live(
    random: Random, journey: SampleJourney, contact: str, entry: str, entered_at: Instant
) -> Sequence[Event]:
    """One entry from beginning to end, by time of occurrence; keys begin with the entry."""
    life = _Life(random, journey, contact, entry, entered_at)
    life.pass_through()
    life.events.sort(key=lambda event: event.occurred_at)
    return life.events


@dataclass(slots=True)
class _Life:
    random: Random
    journey: SampleJourney
    contact: str
    entry: str
    at: Instant
    events: list[Event] = field(default_factory=list)
    is_converted: bool = False
    leaves_at: Instant | None = None

    def pass_through(self) -> None:
        in_control_group = self.random.random() < self.journey.control_share
        self.events.append(
            JourneyEntered(
                self._key(),
                self.at,
                self.journey.external_id,
                ContactRef(external_username=self.contact),
                self.entry,
                in_control_group,
            )
        )
        if in_control_group:
            self._be_held_out()
            return
        for step in self.journey.steps:
            if not self._take(step):
                return
        if self.leaves_at is None:
            self.events.append(Completed(self._key(), self.at, self.entry))

    def _be_held_out(self) -> None:
        self._reach(StepKind.HELD_OUT, self.journey.steps[0], reason="In the control group")
        ends_at = self.at + sum(step.wait for step in self.journey.steps)
        if self.random.random() < CONTROL_CONVERSION_SHARE:
            at = self.random.randint(self.at + HOUR, ends_at - HOUR)
            self.events.append(Converted(self._key(), at, self.entry))
        self.events.append(Completed(self._key(), ends_at, self.entry))

    def _take(self, step: SampleStep) -> bool:
        """Lives one step; says whether the life goes on to the next."""
        self.at += self._around(5 * SECOND)
        self._reach(StepKind.STEP_ENTERED, step)
        if self.random.random() < STEP_FAILED_SHARE:
            self._fail(step)
            return False
        if step.channel is not None:
            self._be_sent(step, step.channel)
        if step.bonus is not None:
            self._be_given(step, step.bonus)
        ends_at = self.at + step.wait
        self.at += SECOND
        self._reach(
            StepKind.WAITING, step, waiting_for=step.waits_for or "time", waiting_until=ends_at
        )
        if self.leaves_at is not None and self.leaves_at < ends_at:
            self.at = self.leaves_at
            return False
        if step.waits_for is not None and self.random.random() < STUCK_SHARE * 2:
            return False  # What it waits for never comes.
        self.at = ends_at
        if self.random.random() < EXIT_SHARE:
            self._leave(self.at, f"No longer in the audience at {step.name}")
            return False
        self._reach(StepKind.STEP_COMPLETED, step)
        return True

    def _fail(self, step: SampleStep) -> None:
        self.at += self._around(MINUTE)
        reason = "The template has no text in the contact's language"
        self._reach(StepKind.STEP_FAILED, step, reason=reason)
        if self.random.random() < 0.5:
            self.events.append(Failed(self._key(), self.at + MINUTE, self.entry, reason))

    def _be_given(self, step: SampleStep, name: str) -> None:
        bonus = Bonus(name, Decimal(self.random.choice((5, 10, 25))), "EUR")
        self.at += SECOND
        self._reach(StepKind.BONUS_ISSUED, step, bonus=bonus)
        if self.random.random() < 0.7:
            at = self.at + self._around(20 * MINUTE)
            self.events.append(
                StepReached(
                    self._key(), at, self.entry, StepKind.BONUS_RECEIVED, step.key, bonus=bonus
                )
            )

    def _be_sent(self, step: SampleStep, channel: Channel) -> None:
        self.at += SECOND
        message = f"{self.entry}-{step.key}"
        self.events.append(
            CommunicationCreated(
                self._key(),
                self.at,
                message,
                channel,
                step.resource or step.name,
                entry=self.entry,
                step=step.key,
                links=(step.link,) if step.link else (),
            )
        )
        habit = HABITS[channel]
        at = self.at + self._around(2 * SECOND)
        for kind, share, reason in habit.failures:
            if self.random.random() < share:
                if kind is not DeliveryKind.SUPPRESSED:
                    self._deliver(message, DeliveryKind.SENT, at)
                self._deliver(message, kind, at + self._around(20 * SECOND), reason=reason)
                return
        self._deliver(message, DeliveryKind.SENT, at)
        if channel is Channel.EMAIL and self.random.random() < 0.03:
            at += self._around(5 * SECOND)
            self._deliver(message, DeliveryKind.DEFERRED, at, reason="451 4.7.1 Greylisted")
            at += self._around(6 * MINUTE)
        at += self._around(4 * SECOND)
        self._deliver(message, DeliveryKind.DELIVERED, at)
        if self.random.random() < habit.seen_share:
            self._be_seen(step, channel, message, at)

    def _be_seen(
        self, step: SampleStep, channel: Channel, message: str, delivered_at: Instant
    ) -> None:
        habit = HABITS[channel]
        at = delivered_at + min(self._around(habit.delay), step.wait // 2)
        if habit.seen is not None:
            self._deliver(message, habit.seen, at)
        if step.link and self.random.random() < habit.click_share:
            at += self._around(30 * SECOND)
            self._deliver(message, DeliveryKind.CLICKED, at, url=step.link)
            if self.random.random() < self.journey.conversion_share:
                self._convert(at + self._around(4 * MINUTE))
        elif channel is Channel.EMAIL and self.random.random() < 0.02:
            at += self._around(MINUTE)
            is_angry = self.random.random() < 0.2
            kind = DeliveryKind.COMPLAINED if is_angry else DeliveryKind.UNSUBSCRIBED
            self._deliver(message, kind, at)
            self._leave(at + SECOND, f"{kind.capitalize()} by e-mail")

    def _convert(self, at: Instant) -> None:
        if self.is_converted:
            return
        self.is_converted = True
        self.events.append(Converted(self._key(), at, self.entry))
        if self.journey.ends_on_conversion:
            self.leaves_at = at + MINUTE
            self.events.append(Completed(self._key(), self.leaves_at, self.entry, "Came back"))

    def _leave(self, at: Instant, reason: str) -> None:
        self.leaves_at = at
        self.events.append(Exited(self._key(), at, self.entry, reason))

    def _reach(
        self,
        kind: StepKind,
        step: SampleStep,
        *,
        reason: str | None = None,
        waiting_for: str | None = None,
        waiting_until: Instant | None = None,
        bonus: Bonus | None = None,
    ) -> None:
        self.events.append(
            StepReached(
                self._key(),
                self.at,
                self.entry,
                kind,
                step.key,
                waiting_for=waiting_for,
                waiting_until=waiting_until,
                bonus=bonus,
                reason=reason,
            )
        )

    def _deliver(
        self,
        message: str,
        kind: DeliveryKind,
        at: Instant,
        *,
        url: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.events.append(Delivery(self._key(), at, message, kind, url, reason))

    def _key(self) -> str:
        return f"{self.entry}:{len(self.events)}"

    def _around(self, mean: Instant) -> Instant:
        """A delay about the mean, never more than a day: many short ones, a few long ones."""
        return min(DAY, 1 + int(self.random.expovariate(1 / mean)))
