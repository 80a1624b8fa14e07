"""The mutation root."""

import strawberry

from schema.fields import resolved
from schema.mutations.cancel_job import JobPayload, cancel_job
from schema.mutations.change_contact_status import (
    ChangeContactStatusPayload,
    change_contact_status,
)
from schema.mutations.connectors import (
    CreateConnectorPayload,
    SetConnectorChannelPayload,
    create_connector,
    remove_connector,
    replay_dead_letters,
    set_connector_channel,
)
from schema.mutations.create_contact import CreateContactPayload, create_contact
from schema.mutations.delete_contacts import DeleteContactsPayload, delete_contacts
from schema.mutations.export_contacts import export_contacts
from schema.mutations.export_journey import export_journey
from schema.mutations.generate_referral_links import generate_referral_links
from schema.mutations.import_contacts import import_contacts
from schema.mutations.record_events import RecordEventsPayload, record_events
from schema.mutations.restore_contacts import RestoreContactsPayload, restore_contacts
from schema.mutations.send_rewards import SendRewardsPayload, send_rewards
from schema.mutations.stop_campaign import StopCampaignPayload, stop_campaign
from schema.mutations.tokens import CreateTokenPayload, create_token, revoke_token
from schema.mutations.undo_stop_campaign import UndoStopCampaignPayload, undo_stop_campaign
from schema.mutations.update_contact import UpdateContactPayload, update_contact
from schema.mutations.upsert_contacts import UpsertContactsPayload, upsert_contacts
from schema.mutations.upsert_journey import UpsertJourneyPayload, upsert_journey
from schema.mutations.upsert_promo import UpsertPromoPayload, upsert_promo
from schema.mutations.webhook_endpoints import (
    CreateWebhookEndpointPayload,
    RemovePayload,
    create_webhook_endpoint,
    remove_webhook_endpoint,
)


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
    upsert_promo: UpsertPromoPayload = resolved(
        upsert_promo, "Registers a promo, or changes it. Scope integrate."
    )
    create_contact: CreateContactPayload = resolved(
        create_contact, "Enters a contact. Scope operate."
    )
    update_contact: UpdateContactPayload = resolved(
        update_contact,
        "Changes a contact, all that is asked or nothing of it. Its status is changed by "
        "changeContactStatus. Scope operate.",
    )
    change_contact_status: ChangeContactStatusPayload = resolved(
        change_contact_status,
        "Gives contacts a status. From LEAD to CUSTOMER is the conversion: the first time, it is "
        "kept as convertedAt. Each change stands in statusHistory, with who and when. Scope "
        "operate.",
    )
    delete_contacts: DeleteContactsPayload = resolved(
        delete_contacts,
        "Takes contacts out of every list, search and statistics of contacts, and stops their open "
        "entries. What they did in journeys stays, and shows them as deleted; what is reported of "
        "them is recorded. As long as a deleted contact can be restored, nobody else gets its "
        "names. Scope operate.",
    )
    restore_contacts: RestoreContactsPayload = resolved(
        restore_contacts,
        "Takes a deletion back, within 24 hours and once: the contacts that it deleted are as they "
        "were, and the entries that it stopped go on as if it had not been. Scope operate.",
    )
    stop_campaign: StopCampaignPayload = resolved(
        stop_campaign,
        "Ends the campaign for contacts who are in it: from then on, what is reported "
        "of those entries is recorded without effect. Stopping twice reports the first stop. Scope "
        "operate.",
    )
    undo_stop_campaign: UndoStopCampaignPayload = resolved(
        undo_stop_campaign,
        "Takes a stop back, within 24 hours and once: the entries that it stopped go on as if it "
        "had not been, and what was reported of them meanwhile takes effect. Scope operate.",
    )
    import_contacts: JobPayload = resolved(
        import_contacts,
        "Makes contacts of a CSV file in the background. The first line is exactly "
        "firstname,lastname,email; commas, semicolons or tabs; UTF-8, or UTF-16 with a byte-order "
        "mark. A contact whose e-mail address is new is created with the status. A known one gets "
        "the names that the row has, and importedAs; its status and consents stay. Deleted and "
        "erased contacts do not come back. A row that cannot be taken is rejected alone: the job's "
        "errors hold the first 10,000 with row, column, value and reason, and downloadUrl leads to "
        "a CSV of all of them. The same file again changes nothing. Scope operate.",
    )
    generate_referral_links: JobPayload = resolved(
        generate_referral_links,
        "Gives contacts their links into a journey, and writes them into a CSV file as "
        "exportContacts does. A contact has one link of a kind into a journey: whenever it is "
        "asked for, it is the same. Scope operate.",
    )
    send_rewards: SendRewardsPayload = resolved(
        send_rewards,
        "Sends contacts what they earned, each only against a balance that covers it: it is taken "
        "out of the balance once, told to webhook endpoints that take REWARD_SENT, and mailed to "
        "contacts that have an email. One that is refused stops no other. Scope operate.",
    )
    cancel_job: JobPayload = resolved(
        cancel_job,
        "Ends a job where it stands: what it did stays done. A job that runs is CANCELED within "
        "seconds. Scope operate.",
    )
    export_contacts: JobPayload = resolved(
        export_contacts,
        "Writes contacts into a CSV file in the background, as exportJourney does: the chosen "
        "columns, one line a contact, the earliest created first. Nothing is left out: the "
        "contacts that were there when the call was made, and that the choice means when their "
        "turn comes. Scope operate.",
    )
    export_journey: JobPayload = resolved(
        export_journey,
        "Writes a journey's users, or its communications, into a CSV file in the background: UTF-8 "
        "with a byte-order mark, RFC 4180, a first line of column names, one line a row, the "
        "earliest first. Nothing is left out: the rows that were there when the call was made, and "
        "that the filter chooses when their turn comes. A cell that a spreadsheet would run as a "
        "formula begins with an apostrophe. The job's downloadUrl leads to the file for 24 hours. "
        "Scope operate.",
    )
    create_connector: CreateConnectorPayload = resolved(
        create_connector,
        "Takes what a provider reports of messages, from now on. Scope admin.",
    )
    set_connector_channel: SetConnectorChannelPayload = resolved(
        set_connector_channel,
        "Says of which channel's messages a connector reports, for what it brings from now on and "
        "for its dead letters that are replayed. Scope admin.",
    )
    remove_connector: RemovePayload = resolved(
        remove_connector,
        "Takes a provider's reports no more; what it reported stays. Scope admin.",
    )
    replay_dead_letters: JobPayload = resolved(
        replay_dead_letters,
        "Reads dead letters again, by a job: those that can be read now are recorded and gone "
        "(updated), the others stay, with their reason in the job's errors (failed). Scope admin.",
    )
    create_webhook_endpoint: CreateWebhookEndpointPayload = resolved(
        create_webhook_endpoint,
        "Tells an address of what happens to entries, from now on. Scope admin.",
    )
    remove_webhook_endpoint: RemovePayload = resolved(
        remove_webhook_endpoint,
        "Tells an address no more; what was still to be sent to it is not. Scope admin.",
    )
    create_token: CreateTokenPayload = resolved(
        create_token,
        "Makes a token of this workspace, which may do no more than the one it is made with. Scope "
        "admin.",
    )
    revoke_token: RemovePayload = resolved(
        revoke_token,
        "Ends a token within a few seconds, and the streams that it opened; what was done with it "
        "stays. The last one with the scope admin stays too: make another first. Scope admin.",
    )
