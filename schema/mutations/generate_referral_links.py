"""generateReferralLinks: an operator has links made for contacts, and takes them along."""

from typing import Annotated

import strawberry

from resolvers import referral_links
from resolvers.referral_links import DEFAULT_COLUMNS, LinksWanted
from schema import ids
from schema.enums import ContactColumn, LinkKind
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.inputs.selections import ContactSelection
from schema.mutations.cancel_job import Done, answered
from store.refusals import Refusal


@strawberry.input(description="For whom to make links, and into which journey.")
class GenerateReferralLinksInput:
    journey_id: strawberry.ID = strawberry.field(
        description="The journey, by id; it needs a landingUrl."
    )
    kinds: list[LinkKind] = strawberry.field(description="REFERRAL, FLOW or both: a column each.")
    contacts: ContactSelection = strawberry.field(description="For which contacts.")
    columns: list[ContactColumn] | None = strawberry.field(
        default=strawberry.UNSET,
        description="What else the file says of each, in this order; the links come behind, unless "
        "they are named. Left out: external username, e-mail and names.",
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


async def generate_referral_links(
    info: Info,
    input: Annotated[GenerateReferralLinksInput, strawberry.argument(description="Which links.")],
) -> Done:
    columns = input.columns if isinstance(input.columns, list) else DEFAULT_COLUMNS
    asked = LinksWanted(
        ids.parse(input.journey_id, ids.JOURNEY),
        tuple(input.kinds),
        input.contacts.selection(info.context.now()),
        tuple(columns),
        input.email or None,
    )
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await referral_links.generate(info.context, asked, idempotency_key=key)
    if isinstance(done, Refusal):
        return Done(user_errors=(done,))
    return Done(await answered(info, done))
