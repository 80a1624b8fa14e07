"""The sample journeys: what the sample workspace holds and the simulated partner lives through."""

from dataclasses import dataclass

from store.drafts import JourneyDraft, StepDraft
from store.types import DAY, HOUR, MINUTE, Instant
from store.words import Channel, DeliveryKind, JourneyStatus


@dataclass(frozen=True, slots=True)
class Habit:
    """How the messages of a channel fare, as shares; `delay` is the mean until they are seen."""

    seen: DeliveryKind | None
    seen_share: float
    click_share: float
    delay: Instant
    failures: tuple[tuple[DeliveryKind, float, str], ...]


HABITS: dict[Channel, Habit] = {
    Channel.EMAIL: Habit(
        seen=DeliveryKind.OPENED,
        seen_share=0.46,
        click_share=0.3,
        delay=2 * HOUR,
        failures=(
            (DeliveryKind.BOUNCED, 0.015, "550 5.1.1 The mailbox does not exist"),
            (DeliveryKind.SUPPRESSED, 0.01, "On the suppression list since an earlier complaint"),
            (DeliveryKind.FAILED, 0.005, "554 5.7.1 Refused by policy"),
        ),
    ),
    Channel.SMS: Habit(
        seen=None,
        seen_share=1,
        click_share=0.12,
        delay=10 * MINUTE,
        failures=(
            (DeliveryKind.FAILED, 0.03, "The handset was absent for 24 hours"),
            (DeliveryKind.SUPPRESSED, 0.01, "The number answered STOP"),
        ),
    ),
    Channel.PUSH: Habit(
        seen=DeliveryKind.IMPRESSION,
        seen_share=0.6,
        click_share=0.15,
        delay=20 * MINUTE,
        failures=((DeliveryKind.FAILED, 0.06, "The device token is no longer registered"),),
    ),
    Channel.POPUP: Habit(
        seen=DeliveryKind.IMPRESSION,
        seen_share=0.9,
        click_share=0.25,
        delay=4 * MINUTE,
        failures=((DeliveryKind.FAILED, 0.01, "The visit ended before it was shown"),),
    ),
    Channel.WHATSAPP: Habit(
        seen=DeliveryKind.OPENED,
        seen_share=0.8,
        click_share=0.2,
        delay=25 * MINUTE,
        failures=((DeliveryKind.FAILED, 0.04, "131026 The number has no WhatsApp account"),),
    ),
}


@dataclass(frozen=True, slots=True)
class SampleStep:
    """A step: its message (with its link), then a wait, for an event or for time alone."""

    key: str
    name: str
    wait: Instant
    patience: Instant
    channel: Channel | None = None
    resource: str | None = None
    link: str | None = None
    waits_for: str | None = None
    bonus: str | None = None


@dataclass(frozen=True, slots=True)
class SampleJourney:
    """`share` of all entries begin here; `ends_on_conversion`: its goal ends it early."""

    external_id: str
    name: str
    landing_url: str
    share: float
    control_share: float
    conversion_share: float
    ends_on_conversion: bool
    steps: tuple[SampleStep, ...]

    def draft(self, status: JourneyStatus = JourneyStatus.ACTIVE) -> JourneyDraft:
        return JourneyDraft(
            external_id=self.external_id,
            name=self.name,
            status=status,
            landing_url=self.landing_url,
            steps=tuple(
                StepDraft(
                    key=step.key,
                    name=step.name,
                    channel=step.channel,
                    resource=step.resource,
                    patience_seconds=step.patience // 1_000_000,
                )
                for step in self.steps
            ),
        )


WELCOME = SampleJourney(
    external_id="welcome-series",
    name="Welcome series",
    landing_url="https://play.example.com/welcome",
    share=0.45,
    control_share=0.1,
    conversion_share=0.45,
    ends_on_conversion=False,
    steps=(
        SampleStep(
            key="hello",
            name="Say hello",
            wait=4 * HOUR,
            patience=DAY,
            channel=Channel.EMAIL,
            resource="Welcome e-mail",
            link="https://play.example.com/welcome/start",
        ),
        SampleStep(
            key="first-visit",
            name="First visit",
            wait=20 * HOUR,
            patience=2 * DAY,
            channel=Channel.POPUP,
            resource="Tour of the lobby",
            link="https://play.example.com/welcome/tour",
            waits_for="profile completed",
        ),
        SampleStep(
            key="verify",
            name="Verify the phone",
            wait=DAY,
            patience=3 * DAY,
            channel=Channel.SMS,
            resource="Verification reminder",
            link="https://play.example.com/verify",
            waits_for="phone verified",
        ),
        SampleStep(
            key="tips",
            name="Three tips",
            wait=2 * DAY,
            patience=4 * DAY,
            channel=Channel.PUSH,
            resource="Three tips for the first week",
            link="https://play.example.com/tips",
        ),
        SampleStep(
            key="bonus",
            name="Welcome bonus",
            wait=2 * DAY,
            patience=4 * DAY,
            channel=Channel.EMAIL,
            resource="Your welcome bonus",
            link="https://play.example.com/bonus?from=welcome",
            bonus="Welcome bonus",
        ),
    ),
)

WIN_BACK = SampleJourney(
    external_id="win-back",
    name="Win back after 30 quiet days",
    landing_url="https://play.example.com/we-miss-you",
    share=0.3,
    control_share=0.2,
    conversion_share=0.3,
    ends_on_conversion=True,
    steps=(
        SampleStep(
            key="miss-you",
            name="We miss you",
            wait=2 * DAY,
            patience=3 * DAY,
            channel=Channel.EMAIL,
            resource="We miss you",
            link="https://play.example.com/we-miss-you?step=1",
            waits_for="visit",
        ),
        SampleStep(
            key="offer",
            name="Offer by message",
            wait=2 * DAY,
            patience=3 * DAY,
            channel=Channel.WHATSAPP,
            resource="Ten free spins",
            link="https://play.example.com/free-spins",
            waits_for="visit",
        ),
        SampleStep(
            key="last-call",
            name="Last call",
            wait=DAY,
            patience=2 * DAY,
            channel=Channel.SMS,
            resource="Last call for your free spins",
            link="https://play.example.com/free-spins?last=1",
        ),
    ),
)

TOURNAMENT = SampleJourney(
    external_id="vip-tournament",
    name="VIP tournament",
    landing_url="https://play.example.com/vip/tournament",
    share=0.25,
    control_share=0,
    conversion_share=0.6,
    ends_on_conversion=False,
    steps=(
        SampleStep(
            key="invitation",
            name="Invitation",
            wait=12 * HOUR,
            patience=DAY,
            channel=Channel.WHATSAPP,
            resource="A seat at the VIP tournament",
            link="https://play.example.com/vip/tournament/seat",
            waits_for="seat taken",
        ),
        SampleStep(
            key="starts-soon",
            name="Starts in an hour",
            wait=HOUR,
            patience=3 * HOUR,
            channel=Channel.PUSH,
            resource="The tournament starts in an hour",
            link="https://play.example.com/vip/tournament/table",
        ),
        SampleStep(
            key="play",
            name="At the table",
            wait=6 * HOUR,
            patience=12 * HOUR,
            waits_for="tournament finished",
        ),
        SampleStep(
            key="ranking",
            name="Ranking and prize",
            wait=6 * HOUR,
            patience=DAY,
            channel=Channel.POPUP,
            resource="Your rank in the tournament",
            link="https://play.example.com/vip/tournament/ranking",
            bonus="Tournament prize",
        ),
        SampleStep(
            key="thanks",
            name="Thanks and highlights",
            wait=DAY,
            patience=2 * DAY,
            channel=Channel.EMAIL,
            resource="Highlights of the tournament",
            link="https://play.example.com/vip/tournament/highlights",
        ),
    ),
)

JOURNEYS = (WELCOME, WIN_BACK, TOURNAMENT)
