"""Mail: what is sent to people, and what can go wrong with it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of text, in UTF-8."""

    name: str
    content: bytes
    content_type: str = "text/csv"


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one address.

    `id` is the same when the same mail is sent again, so that a mailbox can tell.
    """

    to: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    id: str | None = None


class MailRefused(Exception):
    """The mail will not be taken, however often it is sent; the message is for people."""


class MailDelayed(Exception):
    """The mail could not be sent now, and may be later; the message is for people."""


class Mail(Protocol):
    async def send(self, message: Message) -> None:
        """Returns once the mail is in the hands of the server.

        Raises MailRefused and MailDelayed.
        """
