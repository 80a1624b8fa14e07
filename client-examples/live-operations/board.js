// The rows held: the newest communications, each once, by the time of its creation.

import { microseconds } from "./words.js";

export class Board {
  #limit;
  #byId = new Map();
  #sorted = [];
  // Below it the list was not read, or was let go: what lies there would leave holes.
  #horizon = null;

  constructor(limit) {
    this.#limit = limit;
  }

  /** Newest first. A row is replaced, never changed: the same object means the same content. */
  get rows() {
    return this.#sorted;
  }

  /** The list as it was read, newest first; `hasMore`: older ones exist that are not held. */
  replace(communications, hasMore) {
    this.#byId.clear();
    this.#sorted = [];
    this.#horizon = null;
    for (const communication of communications) this.put(communication);
    if (hasMore && this.#sorted.length > 0) this.#horizon = this.#sorted.at(-1);
  }

  /** A communication as it is now; one that is older than everything held stays out. */
  put(communication) {
    const row = { ...communication, createdMicros: microseconds(communication.createdAt) };
    const held = this.#byId.get(row.id);
    if (held) {
      // createdAt never changes, so neither does the place.
      this.#sorted[this.#placeOf(held)] = row;
      this.#byId.set(row.id, row);
      if (this.#horizon?.id === row.id) this.#horizon = row;
      return;
    }
    if (this.#horizon && newerFirst(this.#horizon, row) < 0) return;
    this.#byId.set(row.id, row);
    this.#sorted.splice(this.#placeOf(row), 0, row);
    if (this.#sorted.length > this.#limit) {
      this.#byId.delete(this.#sorted.pop().id);
      this.#horizon = this.#sorted.at(-1);
    }
  }

  /** Lets go of the rows that a new filter would not have, until the list is read again. */
  keepOnly(isWanted) {
    this.#sorted = this.#sorted.filter(isWanted);
    this.#byId = new Map(this.#sorted.map((row) => [row.id, row]));
  }

  /** Where the row stands, or would: the first place whose row is not newer. */
  #placeOf(row) {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (newerFirst(this.#sorted[middle], row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The API's own order, CREATED_AT descending: ties by id, descending too. */
function newerFirst(one, other) {
  if (one.createdMicros !== other.createdMicros) return other.createdMicros - one.createdMicros;
  return one.id < other.id ? 1 : one.id > other.id ? -1 : 0;
}
