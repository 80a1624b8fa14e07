"""Resource: what messages are made from."""

import strawberry

from schema import ids
from schema.enums import Channel
from schema.fields import derived, plain


@strawberry.type(description="A content that messages are made from, such as a mail template.")
class Resource:
    id: strawberry.ID = derived(ids.of(ids.RESOURCE), "Opaque.", needs=("id",))
    name: str = plain("The partner's name of it, unique within its channel.")
    channel: Channel = plain("The channel that it is made for.")
