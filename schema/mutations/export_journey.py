"""exportJourney: an operator takes a journey's users or messages along as a file."""

from typing import Annotated

import strawberry

from resolvers import exports
from resolvers.exports import JourneyExport
from schema import ids
from schema.info import Info
from schema.inputs.conditions import Budget
from schema.inputs.filters import CommunicationFilter, EntryFilter
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.mutations.cancel_job import Done, answered
from store.refusals import Refusal


@strawberry.input(
    description="What of a journey to write into a file: its users or its communications."
)
class ExportJourneyInput:
    journey_id: strawberry.ID = strawberry.field(description="The journey, by id.")
    users: EntryFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Its entries for which this holds, a line each; {} for all of them.",
    )
    communications: CommunicationFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Its communications for which this holds, a line each; {} for all of them.",
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where to send the file when it is ready: the token's own e-mail or one of "
        "viewer.allowedRecipients. Left out: it is only downloaded. A file of more than 10 MB is "
        "not attached; the mail then holds the link alone.",
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first job; with another input it is refused.",
    )


async def export_journey(
    info: Info,
    input: Annotated[ExportJourneyInput, strawberry.argument(description="What to export.")],
) -> Done:
    now = info.context.now()
    users, communications = input.users, input.communications
    asked = JourneyExport(
        ids.parse(input.journey_id, ids.JOURNEY),
        users.frozen(Budget(now)) if users else None,
        communications.frozen(Budget(now)) if communications else None,
        input.email or None,
        repr((input.journey_id, users, communications, input.email)),
    )
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await exports.of_journey(info.context, asked, idempotency_key=key)
    if isinstance(done, Refusal):
        return Done(user_errors=(done,))
    return Done(await answered(info, done))
