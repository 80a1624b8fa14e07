"""What a batch of events refers to: the rows, and the names by which events say which."""

from dataclasses import dataclass, field

from store.ingest import events as e
from store.ingest.events import ContactRef, Event
from store.merge import Message, Passage, Visit
from store.types import Id
from store.words import ContactStatus, JourneyStatus


@dataclass(frozen=True, slots=True)
class KnownStep:
    id: Id
    position: int


@dataclass(slots=True)
class KnownQuestion:
    id: Id
    choices: dict[str, Id] = field(default_factory=dict)


@dataclass(slots=True)
class KnownJourney:
    id: Id
    external_id: str
    status: JourneyStatus
    is_rewarded: bool
    steps: dict[str, KnownStep] = field(default_factory=dict)
    questions: dict[str, KnownQuestion] = field(default_factory=dict)
    rewards: dict[str, Id] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownContact:
    id: Id
    status: ContactStatus


@dataclass(slots=True)
class Known:
    """The rows that the events of one batch name, by the partner's names."""

    journeys: dict[str, KnownJourney] = field(default_factory=dict)
    journeys_by_id: dict[Id, KnownJourney] = field(default_factory=dict)
    contacts: dict[ContactRef, KnownContact] = field(default_factory=dict)
    entries: dict[str, Passage] = field(default_factory=dict)
    entries_by_id: dict[Id, Passage] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    messages_by_provider: dict[str, Message] = field(default_factory=dict)
    visits: dict[tuple[Id, Id], Visit] = field(default_factory=dict)
    resources: dict[tuple[str, str], Id] = field(default_factory=dict)
    promos: dict[str, Id] = field(default_factory=dict)
    # Journeys with the contacts that came by a link of them.
    came_through: set[tuple[Id, Id]] = field(default_factory=set)
    # Of those whom its entries and messages concern.
    erased: set[Id] = field(default_factory=set)

    def add_entry(self, entry: Passage) -> None:
        self.entries[entry.external_id] = entry
        self.entries_by_id[entry.id] = entry

    def message_of(self, event: e.Delivery) -> Message | None:
        """The message that it names, by whichever id."""
        is_providers = isinstance(event, e.ProviderDelivery)
        messages = self.messages_by_provider if is_providers else self.messages
        return messages.get(event.communication)


def entry_name(event: Event) -> str | None:
    match event:
        case (
            e.JourneyEntered()
            | e.StepReached()
            | e.CommunicationCreated()
            | e.SurveyAnswered()
            | e.Converted()
            | e.Exited()
            | e.Completed()
            | e.Failed()
        ):
            return event.entry
    return None


def message_name(event: Event) -> str | None:
    match event:
        case e.ProviderDelivery():
            return None
        case e.CommunicationCreated() | e.Delivery():
            return event.communication
    return None


def provider_message_name(event: Event) -> str | None:
    """The provider's id of a message."""
    match event:
        case e.CommunicationCreated():
            return event.provider_message_id
        case e.ProviderDelivery():
            return event.communication
    return None


def journey_name(event: Event) -> str | None:
    match event:
        case e.JourneyEntered() | e.CommunicationCreated() | e.SurveyAnswered() | e.RewardChosen():
            return event.journey
    return None


def contact_ref(event: Event) -> ContactRef | None:
    match event:
        case (
            e.JourneyEntered()
            | e.CommunicationCreated()
            | e.ContactEvent()
            | e.Facts()
            | e.SurveyAnswered()
            | e.RewardChosen()
            | e.PromoRedeemed()
        ):
            return event.contact
    return None
