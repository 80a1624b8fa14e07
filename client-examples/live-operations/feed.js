// The feed: a list read once and the events since: nothing is lost between, nothing shown twice.

import { QueryRefused, ServerAway, TokenRefused } from "./api.js";
import { LIVE_COMMUNICATIONS, NEWEST_COMMUNICATIONS } from "./queries.js";

const LIST_LENGTH = 100;
const PAGES_AT_MOST = 5;
const TRY_AGAIN_MS = 1_500;

/**
 * The order that loses nothing: subscribe; the first batch carries a cursor; only then read the list,
 * and apply to it every event since that cursor. What the list and an event both tell is told twice
 * about the same row, and rows are kept by id. After a lost connection the log is read on from the last
 * cursor; only a gap asks for the list again.
 *
 * `on`: list(communications, hasMore); heard(events), each once; changed(events), whose communications
 * are newer than the list; state(name); gap(reason); refused(error); trouble(message).
 */
export class Feed {
  #api;
  #socket;
  #filter;
  #on;
  #cursor = null;
  #unsubscribe = () => {};
  #early = null;
  #isListed = false;
  #isCaughtUp = false;
  #abort = new AbortController();
  #listTimer = null;
  #subscribeTimer = null;

  constructor(api, socket, filter, on) {
    this.#api = api;
    this.#socket = socket;
    this.#filter = filter;
    this.#on = on;
    this.#subscribe();
  }

  close() {
    this.#abort.abort();
    clearTimeout(this.#listTimer);
    clearTimeout(this.#subscribeTimer);
    this.#unsubscribe();
  }

  #subscribe() {
    this.#unsubscribe = this.#socket.subscribe(
      LIVE_COMMUNICATIONS,
      () => ({ filter: this.#filter.events, after: this.#cursor }),
      {
        next: (payload) => this.#receive(payload),
        error: (errors) => this.#failed(errors),
        // The server ends long subscriptions: the cursor says where to go on.
        complete: () => this.#subscribeLater(),
      },
    );
  }

  #receive(payload) {
    const batch = payload.data?.communicationEvents;
    if (!batch) {
      this.#unsubscribe();
      this.#failed(payload.errors ?? []);
      return;
    }
    if (batch.gap) {
      // Behind a gap the log is read from its oldest row: a list from now on is there sooner.
      this.#on.gap(batch.gap.reason);
      this.#unsubscribe();
      this.#cursor = null;
      this.#subscribe();
      return;
    }
    const isFirst = this.#cursor === null;
    this.#cursor = batch.cursor;
    this.#isCaughtUp = batch.caughtUp;
    if (isFirst) this.#list();
    if (batch.events.length > 0) {
      this.#on.heard(batch.events);
      if (this.#early !== null) this.#early.push(...batch.events);
      else this.#on.changed(batch.events);
    }
    this.#tell();
  }

  /** Reads the list; until it is here, events wait for it. */
  async #list() {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    clearTimeout(this.#listTimer);
    // What came before the list is asked for is in the list.
    this.#early = [];
    this.#isListed = false;
    try {
      const { communications, hasMore } = await this.#read(signal);
      if (signal.aborted) return;
      this.#on.list(communications, hasMore);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TokenRefused) this.#on.refused(error);
      else if (error instanceof QueryRefused) this.#on.trouble(error.message);
      else if (error instanceof ServerAway) {
        this.#listTimer = setTimeout(() => this.#list(), soon());
      }
      else throw error;
      return;
    }
    const early = this.#early;
    this.#early = null;
    this.#isListed = true;
    this.#on.changed(early);
    this.#tell();
  }

  async #read(signal) {
    const communications = [];
    let after = null;
    for (let page = 0; ; page++) {
      const first = LIST_LENGTH - communications.length;
      const variables = { first, after, filter: this.#filter.list };
      const data = await this.#api.query(NEWEST_COMMUNICATIONS, variables, { signal });
      const { nodes, pageInfo } = data.communications;
      communications.push(...nodes);
      after = pageInfo.endCursor;
      // A search for something rare stops early and says where: go on, within reason.
      const isDone = !pageInfo.isPartial || communications.length >= LIST_LENGTH;
      if (isDone || page + 1 === PAGES_AT_MOST) {
        return { communications, hasMore: pageInfo.hasNextPage || pageInfo.isPartial };
      }
    }
  }

  #failed(errors) {
    const code = errors[0]?.extensions?.code;
    const message = errors[0]?.message ?? "The server ended the subscription without a reason.";
    if (code === "UNAUTHENTICATED" || code === "FORBIDDEN") {
      this.#on.refused(new TokenRefused(message));
      return;
    }
    this.#on.trouble(message);
    // Whatever it was, from here only a new beginning is sure to be right.
    this.#cursor = null;
    this.#subscribeLater();
  }

  #subscribeLater() {
    clearTimeout(this.#subscribeTimer);
    this.#subscribeTimer = setTimeout(() => this.#subscribe(), soon());
  }

  #tell() {
    this.#on.state(this.#isListed && this.#isCaughtUp ? "live" : "catching-up");
  }
}

function soon() {
  return TRY_AGAIN_MS * (0.5 + Math.random());
}
