"""The mutation root."""

import strawberry

from schema.fields import resolved
from schema.mutations.create_contact import CreateContactPayload, create_contact
from schema.mutations.record_events import RecordEventsPayload, record_events
from schema.mutations.stop_campaign import StopCampaignPayload, stop_campaign
from schema.mutations.upsert_contacts import UpsertContactsPayload, upsert_contacts
from schema.mutations.upsert_journey import UpsertJourneyPayload, upsert_journey


@strawberry.type(
    description="Writing. Expected refusals are data, in userErrors or with the item that they "
    "concern; top-level errors are for requests that are wrong in themselves. When a mutation has "
    "answered, everybody reads what it wrote."
)
class Mutation:
    record_events: RecordEventsPayload = resolved(
        record_events,
        "Reports what happened in a partner's system. Scope integrate.",
    )
    upsert_journey: UpsertJourneyPayload = resolved(
        upsert_journey,
        "Registers a journey, or changes it. Scope integrate.",
    )
    upsert_contacts: UpsertContactsPayload = resolved(
        upsert_contacts,
        "Registers contacts, or changes them. Scope integrate.",
    )
    create_contact: CreateContactPayload = resolved(
        create_contact, "Enters a contact. Scope operate."
    )
    stop_campaign: StopCampaignPayload = resolved(
        stop_campaign,
        "Ends the campaign for contacts who are in it: from then on, what is reported "
        "of those entries is recorded without effect. Stopping twice reports the first stop. Scope "
        "operate.",
    )
