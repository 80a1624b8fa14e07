// Queries over HTTP, and what can go wrong with them as errors with a name.

const PATIENCE_MS = 15_000;

/** What to say of a token that is not accepted, whichever connection learns of it first. */
export const UNKNOWN_TOKEN = "The server does not know this token. Was it mistyped, or revoked?";

/** The token is unknown, expired, or lacks the scope. */
export class TokenRefused extends Error {}

/** Nobody answered, or the server said to come back later: asking again may help. */
export class ServerAway extends Error {}

/** The server understood and said no; the message is its own. */
export class QueryRefused extends Error {}

export class Api {
  #url;
  #token;

  constructor(url, token) {
    this.#url = url;
    this.#token = token;
  }

  /** The data of a query. Throws TokenRefused, ServerAway or QueryRefused. */
  async query(document, variables, { signal } = {}) {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    let response;
    let answer;
    try {
      response = await fetch(this.#url, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.#token}` },
        body: JSON.stringify({ query: document, variables }),
        cache: "no-store",
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
      });
      answer = await response.json().catch(() => null);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ServerAway("The server does not answer.");
    }
    const first = answer?.errors?.[0];
    if (response.status === 401 || first?.extensions?.code === "UNAUTHENTICATED") {
      throw new TokenRefused(UNKNOWN_TOKEN);
    }
    if (response.status === 403 || first?.extensions?.code === "FORBIDDEN") {
      throw new TokenRefused(first?.message ?? "This token may not read. It needs the scope read.");
    }
    if (response.status === 429 || response.status >= 500 || answer === null) {
      throw new ServerAway(`The server is not well (HTTP ${response.status}).`);
    }
    if (first) throw new QueryRefused(first.message);
    return answer.data;
  }
}
