// A small client of graphql-transport-ws: one connection, kept up, with subscriptions that survive it.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

const PROTOCOL = "graphql-transport-ws";
const INIT_PATIENCE_MS = 10_000;
const PING_EVERY_MS = 15_000;
const PONG_PATIENCE_MS = 10_000;
const LONGEST_WAIT_MS = 8_000;
const TOKEN_REFUSED = [4401, 4403];

/**
 * onState is told: {name: "connecting"}, {name: "open"}, {name: "waiting", ms} before the next try,
 * {name: "refused"} when the token is not accepted (it then stays closed).
 */
export class GraphQLSocket {
  #url;
  #payload;
  #onState;
  #socket = null;
  #isReady = false;
  #isClosed = false;
  #subscriptions = new Map();
  #nextId = 1;
  #attempts = 0;
  #retry = null;
  #ping = null;
  #patience = null;

  constructor(url, payload, onState) {
    this.#url = url;
    this.#payload = payload;
    this.#onState = onState;
    this.#connect();
  }

  /**
   * variables() is asked again at every reconnection, so that it can name the last cursor.
   * handlers: next(payload), error(errors), complete(); after the latter two the subscription is over.
   */
  subscribe(query, variables, handlers) {
    const id = String(this.#nextId++);
    this.#subscriptions.set(id, { query, variables, handlers });
    if (this.#isReady) this.#start(id);
    return () => {
      if (this.#subscriptions.delete(id) && this.#isReady) this.#send({ type: "complete", id });
    };
  }

  /** Try now instead of waiting: the machine woke up, or the network came back. */
  hurry() {
    if (this.#retry !== null) {
      this.#attempts = 0;
      this.#connect();
    }
  }

  close() {
    this.#isClosed = true;
    this.#subscriptions.clear();
    this.#letGo();
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#onState({ name: "connecting" });
    const socket = new WebSocket(this.#url, PROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#send({ type: "connection_init", payload: this.#payload });
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
    this.#expect(INIT_PATIENCE_MS);
  }

  #receive(message) {
    switch (message.type) {
      case "connection_ack":
        this.#heard();
        this.#isReady = true;
        this.#attempts = 0;
        this.#ping = setInterval(() => {
          this.#send({ type: "ping" });
          this.#expect(PONG_PATIENCE_MS);
        }, PING_EVERY_MS);
        this.#onState({ name: "open" });
        for (const id of this.#subscriptions.keys()) this.#start(id);
        break;
      case "ping":
        this.#send({ type: "pong" });
        break;
      case "pong":
        this.#heard();
        break;
      case "next":
        this.#subscriptions.get(message.id)?.handlers.next(message.payload);
        break;
      case "error":
        this.#end(message.id)?.error(message.payload);
        break;
      case "complete":
        this.#end(message.id)?.complete();
        break;
    }
  }

  #start(id) {
    const { query, variables } = this.#subscriptions.get(id);
    this.#send({ type: "subscribe", id, payload: { query, variables: variables() } });
  }

  #end(id) {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    return subscription?.handlers;
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** A line can be dead without saying so: what stays silent too long is given up. */
  #expect(ms) {
    if (this.#patience === null) this.#patience = setTimeout(() => this.#lost(0), ms);
  }

  #heard() {
    clearTimeout(this.#patience);
    this.#patience = null;
  }

  #letGo() {
    clearInterval(this.#ping);
    clearTimeout(this.#retry);
    this.#ping = this.#retry = null;
    this.#heard();
    this.#isReady = false;
    if (this.#socket) {
      this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
  }

  #lost(code) {
    this.#letGo();
    if (this.#isClosed) return;
    if (TOKEN_REFUSED.includes(code)) {
      this.#isClosed = true;
      this.#onState({ name: "refused" });
      return;
    }
    // Full jitter: a room of screens that lost the same server does not come back in step.
    const most = Math.min(LONGEST_WAIT_MS, 400 * 2 ** Math.min(this.#attempts++, 8));
    const ms = 100 + Math.random() * most;
    this.#retry = setTimeout(() => this.#connect(), ms);
    this.#onState({ name: "waiting", ms });
  }
}
