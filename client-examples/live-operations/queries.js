// The page's operations; client-examples/queries holds the same, one a file, and the tests compare.

const LINE = `fragment Line on Communication {
  id
  channel
  status
  createdAt
  firstClickAt
  failureReason
  lastAction {
    kind
    url
    occurredAt
  }
  journey {
    id
    name
  }
  contact {
    id
    firstName
    lastName
    username
    externalUsername
    email
  }
  resource {
    id
    name
  }
}
`;

export const OVERVIEW = `query Overview($after: Cursor) {
  viewer {
    workspace
  }
  journeys(first: 100, after: $after, orderBy: { field: CREATED_AT, direction: ASC }) {
    nodes {
      id
      name
      status
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

export const NEWEST_COMMUNICATIONS = `query NewestCommunications($first: Int!, $after: Cursor, $filter: CommunicationFilter) {
  communications(
    first: $first
    after: $after
    filter: $filter
    orderBy: { field: CREATED_AT, direction: DESC }
  ) {
    nodes {
      ...Line
    }
    pageInfo {
      hasNextPage
      endCursor
      isPartial
    }
  }
}

${LINE}`;

export const COUNT_COMMUNICATIONS = `query CountCommunications($filter: CommunicationFilter) {
  communications(first: 1, filter: $filter) {
    totalCount {
      value
      precision
    }
  }
}
`;

export const LIVE_COMMUNICATIONS = `subscription LiveCommunications($filter: DeliveryEventFilter, $after: LogCursor) {
  communicationEvents(filter: $filter, after: $after) {
    cursor
    caughtUp
    gap {
      reason
    }
    events {
      id
      kind
      occurredAt
      communication {
        ...Line
      }
    }
  }
}

${LINE}`;
