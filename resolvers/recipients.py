"""Recipients: to whom files about people may be sent."""

from resolvers.context import Context
from store.folding import fold_email
from store.refusals import Refusal
from store.words import ErrorCode


def refusal(context: Context, email: str) -> Refusal | None:
    """Why the file cannot be sent there; None for the token's own e-mail and those allowed."""
    viewer = context.viewer
    allowed = {fold_email(one) for one in (viewer.email, *viewer.allowed_recipients) if one}
    if fold_email(email) not in allowed:
        own = f"the token's own, {viewer.email}, or " if viewer.email else ""
        return Refusal(
            ErrorCode.RECIPIENT_NOT_ALLOWED,
            f'Files of this workspace are not sent to "{email}": give {own}one of '
            "viewer.allowedRecipients, or leave email out and download the file.",
            ("email",),
        )
    if context.mail is None:
        return Refusal(
            ErrorCode.NO_MAIL_SERVER,
            "This server sends no mail (TRACKSIDE_SMTP_URL is not set): leave email out and "
            "download the file.",
            ("email",),
        )
    return None
