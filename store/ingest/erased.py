"""Erased: what may still be recorded of somebody whose personal data were erased."""

from dataclasses import replace

from store.ingest import events as e
from store.ingest.events import Event
from store.ingest.known import Known, entry_name, message_name


def without_words(known: Known, event: Event) -> Event:
    """The event as it is; of somebody who was erased, without the texts and links in it."""
    if not known.erased:
        return event
    entry = known.entries.get(entry_name(event) or "")
    if isinstance(event, e.Delivery):
        message = known.message_of(event)
    else:
        message = known.messages.get(message_name(event) or "")
    concerned = {one.contact_id for one in (entry, message) if one is not None}
    if concerned.isdisjoint(known.erased):
        return event
    match event:
        case e.StepReached():
            return replace(event, waiting_for=None, bonus=None, reason=None, detail=None)
        case e.CommunicationCreated():
            return replace(event, links=())
        case e.Delivery():
            return replace(event, url=None, reason=None)
        case e.Converted() | e.Exited() | e.Completed() | e.Failed():
            return replace(event, reason=None)
    return event
