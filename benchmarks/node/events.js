// What both peers tell: the words of trackside's schema that the measured subscription uses.

export const SDL = `
  scalar DateTime
  scalar LogCursor
  enum DeliveryKind { QUEUED SENT DEFERRED DELIVERED OPENED CLICKED }
  enum Channel { EMAIL SMS PUSH INBOX }
  type Query { isReady: Boolean! }
  type Subscription {
    communicationEvents(filter: DeliveryEventFilter, after: LogCursor): CommunicationEventBatch!
  }
  input DeliveryEventFilter { journeyId: [ID!] }
  type CommunicationEventBatch { cursor: LogCursor! caughtUp: Boolean! gap: Gap events: [DeliveryEvent!]! }
  type Gap { reason: String! }
  type DeliveryEvent {
    id: ID!
    kind: DeliveryKind!
    receivedAt: DateTime!
    url: String
    communication: Communication!
    contact: Contact!
  }
  type Communication {
    id: ID!
    externalId: String!
    channel: Channel!
    status: DeliveryKind!
    firstClickAt: DateTime
    resource: Resource!
  }
  type Resource { name: String! }
  type Contact { externalUsername: String! }
`;

/** One message for a subscription, of the events that the benchmark sent, received now. */
export function batch({ cursor, events }) {
  // To the microsecond, as trackside tells it.
  const now = performance.timeOrigin + performance.now();
  const micros = String(Math.floor((now % 1) * 1_000)).padStart(3, "0");
  const receivedAt = new Date(now).toISOString().replace("Z", `${micros}Z`);
  for (const event of events) event.receivedAt = receivedAt;
  return { communicationEvents: { cursor, caughtUp: true, gap: null, events } };
}

/** The first batch, which says that one is subscribed. */
export const EMPTY = { communicationEvents: { cursor: "begin", caughtUp: true, gap: null, events: [] } };
