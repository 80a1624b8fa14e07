"""Contact events: reading what contacts did outside of journeys."""

from resolvers.reading import Reader
from store import rows
from store.entities import CONTACT_EVENT
from store.filters import ContactEventFilter

_events: Reader[rows.ContactEvent, ContactEventFilter] = Reader(CONTACT_EVENT)

page = _events.page
pages = _events.pages
count = _events.count
