// Follow a subscription of the log over graphql-ws: every batch once, over lost connections and restarts.

const FATAL_CLOSES = [4400, 4401, 4406];
const PASSING_ERRORS = ["INTERNAL_SERVER_ERROR", "OVERLOADED", "TOO_MANY_OPERATIONS"];
const LONGEST_WAIT_MS = 15_000;

/**
 * Calls onBatch with each batch; returns a function that ends it. Keep `batch.cursor` to go on behind it
 * in a later run: hand it in as `variables.after`.
 *
 * @param {Pick<import("graphql-ws").Client, "subscribe">} client of createClient
 * @param {object} asked
 * @param {string} asked.query a subscription with the variable `$after: LogCursor`, which selects `cursor`
 * @param {Record<string, unknown>} [asked.variables]
 * @param {(batch: any) => void} asked.onBatch a batch for which it throws comes again
 * @param {(reason: unknown) => void} asked.onRefused the server's errors, or how it closed: asking again
 *   would not help
 */
export function follow(client, { query, variables, onBatch, onRefused }) {
  let after = variables?.after ?? null;
  let attempts = 0;
  let end = () => {};
  // When graphql-ws reconnects by itself, it writes this same object anew: then `after` must have moved.
  const payload = { query, variables: { ...variables, get after() { return after; } } };

  function subscribe() {
    let isOver = false;
    const unsubscribe = client.subscribe(payload, {
      next({ data, errors }) {
        if (!data) return goOn(errors);
        const [batch] = Object.values(data);
        onBatch(batch);
        after = batch.cursor;
        attempts = 0;
      },
      error: (reason) => goOn(reason),
      complete: () => goOn(null),
    });
    end = () => {
      isOver = true;
      unsubscribe();
    };

    function goOn(reason) {
      if (isOver) return;
      end();
      if (isRefusal(reason)) return onRefused(reason);
      const timer = setTimeout(subscribe, Math.random() * Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempts++));
      end = () => clearTimeout(timer);
    }
  }

  subscribe();
  return () => end();
}

/** What graphql-ws reports: a list of GraphQL errors, a CloseEvent, or another event of the socket. */
function isRefusal(reason) {
  if (!Array.isArray(reason)) return FATAL_CLOSES.includes(reason?.code);
  return !reason.some((error) => PASSING_ERRORS.includes(error.extensions?.code));
}
