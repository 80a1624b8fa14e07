"""Documents: the operations that are measured, in the words of the public schema."""

PAGE = """
query Page($journey: [ID!]) {
  communications(first: 50, filter: { journeyId: $journey, channel: [EMAIL] }) {
    nodes {
      id externalId channel status createdAt sentAt firstClickAt lastClickedUrl
      contact { id externalUsername email }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

RECORD = """
mutation Record($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) {
    results { key outcome error { code message } links { url } }
    cursor
    userErrors { code message }
  }
}
"""

LIVE = """
subscription Live($journey: [ID!], $after: LogCursor) {
  communicationEvents(filter: { journeyId: $journey }, after: $after) {
    cursor caughtUp
    gap { reason }
    events {
      id kind receivedAt url
      communication { id externalId channel status firstClickAt resource { name } }
      contact { externalUsername }
    }
  }
}
"""
