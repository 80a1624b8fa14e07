"""Referral links: reading what stands behind a code."""

from resolvers.context import Context
from resolvers.reading import Reader
from store import rows
from store.entities import REFERRAL_LINK
from store.filters import JourneyFilter
from store.referral_links import workspace_of
from store.want import Want

_links: Reader[rows.ReferralLink, JourneyFilter] = Reader(REFERRAL_LINK)


async def get(context: Context, want: Want, code: str) -> rows.ReferralLink | None:
    """The link of a code; one of another workspace is as unknown as none."""
    if workspace_of(code) != context.workspace_id:
        return None
    return await _links.get_where(context, want, code=code)
