"""sendRewards: an operator sends contacts what they earned."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from resolvers import contacts, jobs, reward_sending
from resolvers.contact_selections import AT_MOST
from schema import ids
from schema.errors import UserError
from schema.fields import derived, plain
from schema.info import Info
from schema.inputs.limits import ID_LENGTH, Refused, idempotency_key
from schema.inputs.selections import ContactSelection
from schema.selection import below
from schema.types.contact import Contact
from schema.types.job import Job
from store import rows
from store.refusals import Refusal
from store.types import Id


@strawberry.input(description="Rewards for some contacts.")
class SendRewardsInput:
    contacts: ContactSelection = strawberry.field(description="To which contacts.")
    reward_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="Which reward, by id. Left out: to each the one that it prefers, or, where it "
        "chose none, the one that it earned last.",
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Only say what would become of each, of at most the first "
        f"{AT_MOST:,}; nothing is sent.",
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"At most {ID_LENGTH} characters. The same key with the same input within 24 "
        "hours answers with the first result; with another input it is refused.",
    )


@strawberry.type(description="What became of one contact.")
class SendRewardResult:
    contact_id: strawberry.ID = derived(lambda one: f"{ids.CONTACT}_{one.id.hex()}", "Its id.")
    contact: Contact | None = plain("The contact; null when this workspace has no such contact.")
    sent: bool = derived(
        lambda one: one.error is None,
        "Whether the reward was taken out of its balance and sent; of a dry run, whether it would.",
    )
    error: UserError | None = plain("Why not; null when it was.")


@strawberry.type(description="What was sent.")
class SendRewardsPayload:
    results: list[SendRewardResult] = plain(
        "A result for each contact: of ids in the order given, else those created first. Empty "
        "while job does it, and when the call was refused."
    )
    sent: int = derived(
        lambda done: sum(one.error is None for one in done.results),
        "How many of the results were sent.",
    )
    refused: int = derived(
        lambda done: sum(one.error is not None for one in done.results),
        "How many of the results were refused.",
    )
    job: Job | None = plain(
        f"Sends the mails; when more than {AT_MOST:,} contacts are chosen, it takes the rewards "
        "out of their balances too: its counts say how many were sent (updated), how many refused "
        "(failed, each in its errors with the contact's id) and how many mails could not be "
        "delivered (skipped, in its errors as well). Null when nothing is sent."
    )
    user_errors: list[UserError] = plain("Why the call was refused as a whole; else empty.")


@dataclass(frozen=True, slots=True)
class Result:
    id: Id
    contact: rows.Contact | None
    error: Refusal | None


@dataclass(frozen=True, slots=True)
class Done:
    results: tuple[Result, ...] = ()
    job: rows.Job | None = None
    user_errors: tuple[Refusal, ...] = ()


async def send_rewards(
    info: Info,
    input: Annotated[SendRewardsInput, strawberry.argument(description="What to whom.")],
) -> Done:
    context = info.context
    try:
        key = idempotency_key(input.idempotency_key)
    except Refused as refused:
        return Done(user_errors=(refused.refusal,))
    done = await reward_sending.send(
        context,
        input.contacts.selection(context.now()),
        ids.parse(input.reward_id, ids.REWARD) if input.reward_id else None,
        is_dry_run=input.dry_run,
        idempotency_key=key,
    )
    chosen = below(info, "results", "contact")
    here = [one for one, _ in done.outcomes]
    found = await contacts.changed(context, here, chosen.want) if chosen.nodes else {}
    job = await jobs.handed_in(context, done.job_id, below(info, "job").want)
    return Done(
        tuple(Result(one, found.get(one), refused) for one, refused in done.outcomes),
        job,
        done.refusals,
    )
