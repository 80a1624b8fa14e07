// A peer: Mercurius on Fastify, with its emitter in memory. `node mercurius.js PORT`

import Fastify from "fastify";
import mercurius from "mercurius";
import { batch, EMPTY, SDL } from "./events.js";

const TOPIC = "events";
const app = Fastify();

app.register(mercurius, {
  schema: SDL,
  resolvers: {
    Subscription: {
      communicationEvents: {
        subscribe: async (_root, _arguments, { pubsub }) => {
          const told = await pubsub.subscribe(TOPIC);
          told.push(EMPTY);
          return told;
        },
      },
    },
  },
  subscription: true,
  jit: 1,
});
app.get("/", async () => ({}));
app.post("/", async (request) => {
  await app.graphql.pubsub.publish({ topic: TOPIC, payload: batch(request.body) });
  return {};
});
app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
