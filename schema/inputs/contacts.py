"""Contacts as partners and operators hand them in."""

import strawberry

from schema import ids
from schema.enums import Channel, ContactStatus, ErrorCode
from schema.inputs.limits import ID_LENGTH, Refused
from store.drafts import ContactDraft, ContactEdit

_USERNAME = f"at most {ID_LENGTH} characters, unique in the workspace."
_EXTERNAL = f"The partner's own id of the contact; {_USERNAME}"
_EMAIL = "The e-mail address, at most 320 characters; unique in the workspace, ignoring case."
_TEXTS = ("external_username", "username", "email", "first_name", "last_name", "phone")
_PHONE = "The telephone number, at most 50 characters."


def _optional(description: str) -> str | None:
    field: str | None = strawberry.field(default=strawberry.UNSET, description=description)
    return field


@strawberry.input(
    description="A contact as a partner knows it. Matched by externalUsername, else by email; "
    "one of them is needed. What is left out, null or blank stays as it is."
)
class ContactInput:
    external_username: str | None = _optional(_EXTERNAL)
    username: str | None = _optional(f"The name under which it signs in; {_USERNAME}")
    email: str | None = _optional(_EMAIL)
    first_name: str | None = _optional("The first name, at most 200 characters.")
    last_name: str | None = _optional("The last name, at most 200 characters.")
    phone: str | None = _optional(_PHONE)
    status: ContactStatus | None = strawberry.field(
        default=strawberry.UNSET,
        description="What it is to the business; left out, a new contact is a LEAD.",
    )
    referred_by_code: str | None = _optional(
        "The code of the link through which it signed up, if it did."
    )

    def draft(self) -> ContactDraft:
        return _draft(self)


@strawberry.input(description="A new contact.")
class CreateContactInput:
    external_username: str | None = _optional(_EXTERNAL)
    username: str | None = _optional(f"The name under which it signs in; {_USERNAME}")
    email: str | None = _optional(_EMAIL)
    first_name: str | None = _optional("The first name, at most 200 characters.")
    last_name: str | None = _optional("The last name, at most 200 characters.")
    phone: str | None = _optional(_PHONE)
    status: ContactStatus = strawberry.field(description="What it is to the business.")
    idempotency_key: str | None = _optional(
        f"At most {ID_LENGTH} characters. The same key with the same input within 24 hours answers "
        "with the contact that was created first; with another input it is refused."
    )

    def draft(self) -> ContactDraft:
        return _draft(self)


@strawberry.input(description="What a contact said about one channel.")
class ConsentInput:
    channel: Channel = strawberry.field(description="The channel, once in a list.")
    is_subscribed: bool = strawberry.field(description="Whether it wants messages on it.")


@strawberry.input(
    description="What is to change of a contact. What is left out stays as it is; null clears it. "
    "An email, a username or an externalUsername has to be left."
)
class UpdateContactInput:
    id: strawberry.ID = strawberry.field(description="The contact, by id.")
    external_username: str | None = _optional(_EXTERNAL)
    username: str | None = _optional(f"The name under which it signs in; {_USERNAME}")
    email: str | None = _optional(_EMAIL)
    first_name: str | None = _optional("The first name, at most 200 characters.")
    last_name: str | None = _optional("The last name, at most 200 characters.")
    phone: str | None = _optional(_PHONE)
    preferred_reward_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The reward that it wants, by id: one that a journey of the workspace gives.",
    )
    consents: list[ConsentInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="What it said about channels; others stay as they are. What it had said before "
        "keeps its since and source. Null changes nothing.",
    )

    def edit(self) -> ContactEdit:
        """BAD_USER_INPUT for what is no id; raises Refused."""
        given = {name: getattr(self, name) for name in _TEXTS}
        reward = self.preferred_reward_id
        consents: dict[Channel, bool] = {}
        for index, one in enumerate(self.consents or ()):
            if one.channel in consents:
                raise Refused(
                    ErrorCode.INVALID,
                    f"consents[{index}] names {one.channel} again: say one thing of a channel.",
                    ("consents", index, "channel"),
                )
            consents[one.channel] = one.is_subscribed
        return ContactEdit(
            {name: value for name, value in given.items() if value is not strawberry.UNSET},
            sets_reward=reward is not strawberry.UNSET,
            preferred_reward_id=ids.parse(reward, ids.REWARD) if reward else None,
            consents=consents,
        )


def _draft(given: ContactInput | CreateContactInput) -> ContactDraft:
    code = given.referred_by_code if isinstance(given, ContactInput) else None
    return ContactDraft(
        external_username=given.external_username or None,
        username=given.username or None,
        email=given.email or None,
        first_name=given.first_name or None,
        last_name=given.last_name or None,
        phone=given.phone or None,
        status=given.status or None,
        referred_by_code=code or None,
    )
