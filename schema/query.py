"""The query root."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import (
    belongings,
    communications,
    connectors,
    contacts,
    entries,
    jobs,
    journeys,
    nodes,
    referral_links,
    tokens,
    webhooks,
)
from resolvers.context import Viewer as ViewerRow
from resolvers.log_reading import LogId
from resolvers.tokens import LISTED_AT_MOST
from schema import ids
from schema.dead_letter_listing import dead_letter_listing
from schema.errors import bad_input, shown
from schema.fields import resolved, with_context
from schema.info import Info
from schema.inputs.audit import AuditFilter
from schema.inputs.filters import (
    CommunicationFilter,
    ContactFilter,
    EntryFilter,
    JourneyFilter,
)
from schema.inputs.orders import CommunicationOrder, ContactOrder, EntryOrder, JourneyOrder
from schema.job_listing import job_listing
from schema.listing import listing
from schema.log_listing import log_listing
from schema.node import Node
from schema.selection import below
from schema.types.audit import ALL as ALL_AUDITED
from schema.types.audit import AuditConnection
from schema.types.communication import ALL as ALL_COMMUNICATIONS
from schema.types.communication import Communication, CommunicationConnection
from schema.types.connector import Connector, DeadLetterConnection
from schema.types.contact import ALL as ALL_CONTACTS
from schema.types.contact import Contact, ContactConnection
from schema.types.contact_statistics import ContactStatistics
from schema.types.contact_statistics import counted as contact_statistics
from schema.types.delivery_event import DeliveryEventConnection
from schema.types.entry import ALL as ALL_ENTRIES
from schema.types.entry import Entry, EntryConnection
from schema.types.job import Job, JobConnection
from schema.types.journey import ALL as ALL_JOURNEYS
from schema.types.journey import Journey, JourneyConnection
from schema.types.promo import Promo
from schema.types.referral_link import ReferralLink
from schema.types.reward import Reward
from schema.types.token import AccessToken
from schema.types.viewer import Viewer
from schema.types.webhook import WebhookEndpoint
from store import rows
from store.types import Id

NODES_AT_MOST = 100

_NODE_NAMES = {
    ids.JOURNEY: "Journey",
    ids.ENTRY: "Entry",
    ids.COMMUNICATION: "Communication",
    ids.CONTACT: "Contact",
    ids.ACTIVITY: "Activity",
    ids.DELIVERY_EVENT: "DeliveryEvent",
    ids.JOB: "Job",
}

_ONE = "Give exactly one argument. Null when this workspace has no such"

ById = Annotated[strawberry.ID | None, strawberry.argument(description="By its id.")]
ByExternalId = Annotated[
    str | None, strawberry.argument(description="By the partner's own id of it, exactly.")
]


async def _node(
    info: Info,
    id: Annotated[
        strawberry.ID,
        strawberry.argument(description="An id of this API, of whatever kind of node."),
    ],
) -> Any:
    (found,) = await _found(info, [id])
    return found


async def _nodes(
    info: Info,
    ids: Annotated[
        list[strawberry.ID],
        strawberry.argument(description=f"Ids of this API, at most {NODES_AT_MOST}."),
    ],
) -> list[Any]:
    if len(ids) > NODES_AT_MOST:
        raise bad_input(f"ids: {len(ids)} are too many, ask for at most {NODES_AT_MOST} at once.")
    return await _found(info, ids)


async def _found(info: Info, texts: list[strawberry.ID]) -> list[Any]:
    asked: list[tuple[str, Id | LogId]] = []
    for text in texts:
        kind, value = ids.parse_any(text)
        if kind not in _NODE_NAMES:
            raise bad_input(f"{shown(text)} is the id of something that is not a Node.")
        asked.append((_NODE_NAMES[kind], value))
    wants = {name: below(info, type_name=name).want for name in {name for name, _ in asked}}
    return await nodes.get_many(info.context, asked, wants)


async def _journey(
    info: Info, id: ById = UNSET, external_id: ByExternalId = UNSET
) -> rows.Journey | None:
    _only_one(id=id, externalId=external_id)
    return await journeys.get(
        info.context, below(info).want, id=_id(id, ids.JOURNEY), external_id=external_id or None
    )


async def _entry(
    info: Info, id: ById = UNSET, external_id: ByExternalId = UNSET
) -> rows.Entry | None:
    _only_one(id=id, externalId=external_id)
    return await entries.get(
        info.context, below(info).want, id=_id(id, ids.ENTRY), external_id=external_id or None
    )


async def _communication(
    info: Info, id: ById = UNSET, external_id: ByExternalId = UNSET
) -> rows.Communication | None:
    _only_one(id=id, externalId=external_id)
    return await communications.get(
        info.context,
        below(info).want,
        id=_id(id, ids.COMMUNICATION),
        external_id=external_id or None,
    )


async def _contact(
    info: Info,
    id: ById = UNSET,
    external_username: Annotated[
        str | None,
        strawberry.argument(description="By the partner's own id of the contact, exactly."),
    ] = UNSET,
    email: Annotated[
        str | None, strawberry.argument(description="By the e-mail address, ignoring case.")
    ] = UNSET,
) -> rows.Contact | None:
    _only_one(id=id, externalUsername=external_username, email=email)
    return await contacts.get(
        info.context,
        below(info).want,
        id=_id(id, ids.CONTACT),
        external_username=external_username or None,
        email=email or None,
    )


async def _job(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="By its id.")],
) -> rows.Job | None:
    return await jobs.get(info.context, below(info).want, id=ids.parse(id, ids.JOB))


async def _referral_link(
    info: Info,
    code: Annotated[
        str, strawberry.argument(description="What the landing page was called with as ts_code.")
    ],
) -> rows.ReferralLink | None:
    return await referral_links.get(info.context, below(info).want, code)


async def _rewards(info: Info) -> list[rows.Reward]:
    return await belongings.all_rewards(info.context, below(info).want)


async def _promos(info: Info) -> list[rows.Promo]:
    return await belongings.all_promos(info.context, below(info).want)


async def _connectors(info: Info) -> list[rows.Connector]:
    return await connectors.all_connectors(info.context, below(info).want)


async def _webhook_endpoints(info: Info) -> list[rows.WebhookEndpoint]:
    return await webhooks.all_endpoints(info.context, below(info).want)


async def _tokens(info: Info) -> list[rows.AccessToken]:
    return await tokens.all_tokens(info.context)


def _only_one(**given: str | None) -> None:
    if sum(bool(value) for value in given.values()) != 1:
        raise bad_input(f"Give exactly one of {', '.join(given)}.")


def _id(text: str | None, kind: str) -> Id | None:
    return ids.parse(text, kind) if text else None


def _viewer(context: Any, _: Any) -> ViewerRow:
    viewer: ViewerRow = context.viewer
    return viewer


@strawberry.type(
    description="Reading, with the scope read. Every list and every id is of the one workspace "
    "that the token opens."
)
class Query:
    node: Node | None = resolved(
        _node,
        "Whatever has this id. Null when this workspace has no such thing.",
    )
    nodes: list[Node | None] = resolved(
        _nodes,
        "Whatever has these ids, in their order, null for each that this workspace does not have.",
    )
    viewer: Viewer = with_context(_viewer, "The token with which this request was made.")
    journey: Journey | None = resolved(_journey, f"One journey. {_ONE} journey.")
    journeys: JourneyConnection = listing(
        ALL_JOURNEYS, "All journeys.", filter=JourneyFilter, order=JourneyOrder
    )
    entry: Entry | None = resolved(_entry, f"One entry. {_ONE} entry.")
    entries: EntryConnection = listing(
        ALL_ENTRIES, "All entries of all journeys.", filter=EntryFilter, order=EntryOrder
    )
    communication: Communication | None = resolved(
        _communication, f"One communication. {_ONE} communication."
    )
    communications: CommunicationConnection = listing(
        ALL_COMMUNICATIONS,
        "All communications of all journeys.",
        filter=CommunicationFilter,
        order=CommunicationOrder,
    )
    contact: Contact | None = resolved(_contact, f"One contact. {_ONE} contact.")
    contacts: ContactConnection = listing(
        ALL_CONTACTS, "All contacts, but deleted ones.", filter=ContactFilter, order=ContactOrder
    )
    contact_statistics: ContactStatistics = resolved(
        contact_statistics,
        "How many contacts there are, by status. Of all contacts the numbers are kept as they "
        "change, and read at once; with a filter each contact is looked at, which takes about a "
        "second for a million of them. Live, of all contacts, as the subscription of this name.",
    )
    referral_link: ReferralLink | None = resolved(
        _referral_link,
        "Who stands behind the code of a link, for landing pages: of a FLOW link it is the contact "
        "itself that came, of a REFERRAL link a friend of theirs. Null for an unknown code.",
    )
    rewards: list[Reward] = resolved(
        _rewards,
        f"The rewards of all journeys by their names, at most {belongings.AT_MOST:,}.",
    )
    promos: list[Promo] = resolved(
        _promos, f"All promos by their names, at most {belongings.AT_MOST:,}."
    )
    delivery_events: DeliveryEventConnection = log_listing(
        "The event log of messages, the oldest first. Its cursors are those of the subscription "
        "communicationEvents: read up to the end here, and subscribe from there."
    )
    job: Job | None = resolved(_job, "One job. Null when this workspace has no such job.")
    jobs: JobConnection = job_listing("All jobs, the newest first.")
    connectors: list[Connector] = resolved(
        _connectors,
        "The addresses to which providers report what became of messages, the oldest first, at "
        f"most {connectors.AT_MOST}. Scope admin.",
    )
    dead_letters: DeadLetterConnection = dead_letter_listing(
        "What providers sent and could not be read, the newest first. Scope admin."
    )
    webhook_endpoints: list[WebhookEndpoint] = resolved(
        _webhook_endpoints,
        f"The addresses that are told of what happens to entries, the oldest first, at most "
        f"{webhooks.AT_MOST}. Scope admin.",
    )
    audit_log: AuditConnection = listing(
        ALL_AUDITED,
        "Who did what, the newest first: every mutation that changed or exported something (but "
        "recordEvents, whose log is the log of events), what jobs came to, what the command line "
        "did, and what was deleted for its age. Scope admin.",
        filter=AuditFilter,
        is_forward_only=True,
    )
    tokens: list[AccessToken] = resolved(
        _tokens,
        "The workspace's tokens, never with their secrets: those that open it first, then those "
        "that were revoked or expired; the newest first, at most "
        f"{LISTED_AT_MOST:,}. Scope admin.",
    )
