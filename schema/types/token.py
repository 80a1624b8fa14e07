"""Tokens of the workspace, without their secrets."""

import strawberry

from schema import ids
from schema.enums import Scope
from schema.fields import derived, plain
from schema.scalars import DateTime


@strawberry.type(description="What opens the workspace to a program or a person.")
class AccessToken:
    id: strawberry.ID = derived(ids.of(ids.TOKEN), "Opaque; begins with tok_.", needs=("id",))
    name: str = plain("Its name; it stands as the author of what is done with it.")
    email: str | None = plain("The e-mail address of its holder, if one was given.")
    scopes: list[Scope] = derived(
        lambda token: [scope for scope in Scope if scope in token.scopes],
        "What it may do. ADMIN may do everything.",
        needs=("scopes",),
    )
    created_at: DateTime = plain("When it was made.")
    expires_at: DateTime | None = plain("From when on it opens nothing; null: never.")
    last_used_at: DateTime | None = plain(
        "When it was last used, to about a minute; null before it was."
    )
    revoked_at: DateTime | None = plain("When it was revoked; null when it was not.")
