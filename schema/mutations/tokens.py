"""createToken and revokeToken: who may do what in the workspace."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import tokens
from resolvers.tokens import TokenDraft
from schema import ids
from schema.enums import Scope
from schema.errors import UserError
from schema.fields import plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, name, readable
from schema.mutations.webhook_endpoints import Removed
from schema.scalars import DateTime
from schema.types.token import AccessToken
from store import rows
from store.refusals import Refusal


@strawberry.input(description="A new token of this workspace.")
class CreateTokenInput:
    name: str = strawberry.field(
        description=f"What it is for, 1 to {ID_LENGTH} characters: it stands as the author of what "
        "is done with it. It need not be unique."
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whose it is. Files that are asked for with it may be sent there.",
    )
    scopes: list[Scope] = strawberry.field(
        description="What it may do; at least one, and no more than the token that asks may do."
    )
    expires_at: DateTime | None = strawberry.field(
        default=strawberry.UNSET,
        description="From when on it opens nothing, a moment to come; left out, it has no end.",
    )


@strawberry.type(description="The new token.")
class CreateTokenPayload:
    token: AccessToken | None = plain("The token; null when it was refused.")
    secret: str | None = plain(
        "What to send as Authorization: Bearer; null when it was refused. It is shown this once: "
        "only its hash is kept."
    )
    user_errors: list[UserError] = plain("Why it was refused; empty when it was not.")


@dataclass(frozen=True, slots=True)
class Created:
    token: rows.AccessToken | None = None
    secret: str | None = None
    user_errors: tuple[Refusal, ...] = ()


async def create_token(
    info: Info,
    input: Annotated[CreateTokenInput, strawberry.argument(description="The token.")],
) -> Created:
    ends = input.expires_at if input.expires_at is not strawberry.UNSET else None
    try:
        draft = TokenDraft(
            name(input.name, ("name",)),
            input.email or None,
            input.scopes,
            readable(ends, ("expiresAt",)),
        )
    except Refused as refused:
        return Created(user_errors=(refused.refusal,))
    done = await tokens.create(info.context, draft)
    if isinstance(done, Refusal):
        return Created(user_errors=(done,))
    return Created(done.token, done.secret)


async def revoke_token(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The token, by id.")],
) -> Removed:
    refusal = await tokens.revoke(info.context, ids.parse(id, ids.TOKEN))
    return Removed(refusal is None, () if refusal is None else (refusal,))
