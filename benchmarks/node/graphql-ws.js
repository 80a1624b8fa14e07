// A peer: the package graphql-ws on ws, with events in memory. `node graphql-ws.js PORT`

import { createServer } from "node:http";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { batch, EMPTY, SDL } from "./events.js";

const listeners = new Set();

/** What was published since it was made, as graphql-js reads it. */
class Listener {
  #told = [EMPTY];
  #waiting = null;

  constructor() {
    listeners.add(this);
  }

  tell(value) {
    if (this.#waiting === null) {
      this.#told.push(value);
    } else {
      this.#waiting({ value, done: false });
      this.#waiting = null;
    }
  }

  next() {
    if (this.#told.length > 0) return Promise.resolve({ value: this.#told.shift(), done: false });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return() {
    listeners.delete(this);
    this.#waiting?.({ value: undefined, done: true });
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

const schema = buildSchema(SDL);
schema.getSubscriptionType().getFields().communicationEvents.subscribe = () => new Listener();

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  if (request.method === "POST") {
    const told = batch(JSON.parse(Buffer.concat(parts)));
    for (const listener of listeners) listener.tell(told);
  }
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 2 }).end("{}");
});
useServer({ schema }, new WebSocketServer({ server, path: "/graphql" }));
server.listen(Number(process.argv[2]), "127.0.0.1");
