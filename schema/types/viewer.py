"""Viewer: whose token it is."""

import strawberry

from schema.enums import Scope
from schema.fields import derived, plain


@strawberry.type(description="The token with which this request was made, and what it may do.")
class Viewer:
    workspace: str = plain("The name of the one workspace that the token opens.")
    token_name: str = plain("The token's name; it stands as the author of what is done with it.")
    email: str | None = plain("The e-mail address of the token's holder, if one was given.")
    scopes: list[Scope] = derived(
        lambda viewer: [scope for scope in Scope if scope in viewer.scopes],
        "What the token may do. ADMIN may do everything.",
    )
    allowed_recipients: list[str] = plain(
        "The e-mail addresses, besides the token's own, that files may be sent to."
    )
    currency: str = plain(
        "In which the workspace's rewards and balances are, as ISO 4217 has it: EUR."
    )
