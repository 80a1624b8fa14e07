"""Referral links: reading what stands behind a code, and asking for links to be made."""

from dataclasses import dataclass
from typing import Any

from resolvers import auditing, contact_selections, exports, recipients
from resolvers.contact_selections import Chosen
from resolvers.context import Context
from resolvers.reading import Reader
from store import Connection, filter_codec, jobs, lists, rows
from store.entities import JOURNEY, REFERRAL_LINK
from store.filters import JourneyFilter
from store.referral_links import workspace_of
from store.refusals import Refusal
from store.types import Id, new_id
from store.want import Want, want
from store.words import ContactColumn, ErrorCode, JobKind, LinkKind, Scope

DEFAULT_COLUMNS = (
    ContactColumn.EXTERNAL_USERNAME,
    ContactColumn.EMAIL,
    ContactColumn.FIRST_NAME,
    ContactColumn.LAST_NAME,
)
_COLUMNS = {
    LinkKind.REFERRAL: ContactColumn.REFERRAL_LINK,
    LinkKind.FLOW: ContactColumn.FLOW_LINK,
}

_links: Reader[rows.ReferralLink, JourneyFilter] = Reader(REFERRAL_LINK)


@dataclass(frozen=True, slots=True)
class LinksWanted:
    """Links of these kinds into a journey for the chosen; the columns stand before the links."""

    journey_id: Id
    kinds: tuple[LinkKind, ...]
    chosen: Chosen
    columns: tuple[ContactColumn, ...]
    email: str | None


async def get(context: Context, want: Want, code: str) -> rows.ReferralLink | None:
    """The link of a code; one of another workspace is as unknown as none."""
    if workspace_of(code) != context.workspace_id:
        return None
    return await _links.get_where(context, want, code=code)


async def generate(
    context: Context, asked: LinksWanted, *, idempotency_key: str | None = None
) -> Id | Refusal:
    """Hand in the job that makes the links which there are not yet, and writes them all."""
    context.require(Scope.OPERATE)
    kinds = tuple(kind for kind in LinkKind if kind in asked.kinds)
    if not kinds:
        return Refusal(
            ErrorCode.INVALID, "No kind of link is chosen: give REFERRAL, FLOW or both.", ("kinds",)
        )
    columns = (
        *asked.columns,
        *(_COLUMNS[kind] for kind in kinds if _COLUMNS[kind] not in asked.columns),
    )
    refusal = contact_selections.refusal(asked.chosen) or exports.wrong_columns(columns)
    if refusal is None and asked.email is not None:
        refusal = recipients.refusal(context, asked.email)
    if refusal is not None:
        return refusal

    async def hand_in(connection: Connection) -> Any:
        journey = await lists.get(
            connection,
            JOURNEY,
            context.workspace_id,
            want(["external_id", "name", "landing_url"]),
            id=asked.journey_id,
        )
        if journey is None:
            return Refusal(
                ErrorCode.NOT_FOUND, "This workspace has no such journey.", ("journeyId",)
            )
        if journey.landing_url is None:
            return Refusal(
                ErrorCode.NO_LANDING_URL,
                f'The journey "{journey.name}" has no landing page to which a link could lead: '
                "give it a landingUrl with upsertJourney.",
                ("journeyId",),
            )
        job_id = await jobs.enqueue(
            connection,
            context.workspace_id,
            JobKind.REFERRAL_LINKS,
            {
                "list": "links",
                "journey": asked.journey_id.hex(),
                "kinds": list(kinds),
                "columns": list(columns),
                "filter": filter_codec.encode(asked.chosen.asked()),
                "until": new_id().hex(),
                "email": asked.email,
                "name": exports.slug(journey.external_id or journey.name),
            },
            by=context.viewer.token_name,
            now=context.now(),
        )
        await auditing.note(
            connection,
            context,
            "generateReferralLinks",
            affected=0,
            journey=asked.journey_id,
            job=job_id,
        )
        return {"job": job_id.hex()}

    said = (asked.journey_id, kinds, asked.chosen.said, columns, asked.email)
    return await exports.handed_in(context, "generateReferralLinks", idempotency_key, said, hand_in)
