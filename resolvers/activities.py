"""Activities: reading and following what happens to entries."""

from resolvers.log_reading import LogReader
from store import log, rows
from store.entities import ACTIVITY
from store.filters import ActivityFilter

_activities: LogReader[rows.Activity, ActivityFilter] = LogReader(
    ACTIVITY, "activity", log.activities
)

page = _activities.page
pages = _activities.pages
count = _activities.count
get_at = _activities.get_at
follow = _activities.follow
