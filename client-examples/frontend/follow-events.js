// Follow a subscription of the log by EventSource: every batch once, over lost connections and restarts.

const PASSING_ERRORS = ["INTERNAL_SERVER_ERROR", "OVERLOADED", "UNAUTHENTICATED"];
const REFUSALS = [400, 401, 403, 413, 414];
const LONGEST_WAIT_MS = 15_000;

/**
 * Calls onBatch with each batch; returns a function that ends it. Keep `batch.cursor` to go on behind it
 * in a later run: hand it in as `variables.after`.
 *
 * @param {string} url of /graphql
 * @param {object} asked
 * @param {() => string | Promise<string>} asked.token one whose only scope is read: it stands in the address
 * @param {string} asked.query a subscription with the variable `$after: LogCursor`, which selects `cursor`
 * @param {Record<string, unknown>} [asked.variables]
 * @param {(batch: any) => void} asked.onBatch a batch for which it throws comes again
 * @param {(errors: object[]) => void} asked.onRefused the server's errors: asking again would not help
 */
export function follow(url, { token, query, variables, onBatch, onRefused }) {
  let after = variables?.after ?? null;
  let attempts = 0;
  let end = () => {};

  async function open() {
    let isOver = false;
    end = () => { isOver = true; };
    const secret = await Promise.resolve().then(token).catch(() => null);
    if (isOver) return;
    if (secret === null) return goOn([]);
    const asked = { token: secret, query, variables: JSON.stringify({ ...variables, after }) };
    const address = `${url}?${new URLSearchParams(asked)}`;
    const source = new EventSource(address);
    end = () => {
      isOver = true;
      source.close();
    };
    source.addEventListener("next", (event) => {
      const { data, errors } = JSON.parse(event.data);
      if (!data) return goOn(errors.filter(({ extensions }) => !PASSING_ERRORS.includes(extensions?.code)));
      const [batch] = Object.values(data);
      try {
        onBatch(batch);
      } catch (error) {
        // EventSource by itself goes on behind what came, taken or not.
        goOn([]);
        throw error;
      }
      after = batch.cursor;
      attempts = 0;
    });
    source.addEventListener("complete", () => goOn([]));
    // A lost connection it makes anew, with Last-Event-ID. At an HTTP error it gives up without a word.
    source.addEventListener("error", async () => {
      if (source.readyState === EventSource.CLOSED) goOn(await whyNot(address));
    });

    function goOn(refusals) {
      if (isOver) return;
      end();
      if (refusals.length > 0) return onRefused(refusals);
      const timer = setTimeout(open, Math.random() * Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempts++));
      end = () => clearTimeout(timer);
    }
  }

  open();
  return () => end();
}

/** What is wrong with the request or its token; nothing when the server is merely away. */
async function whyNot(address) {
  const asking = new AbortController();
  try {
    const answer = await fetch(address, { headers: { Accept: "text/event-stream" }, signal: asking.signal });
    return REFUSALS.includes(answer.status) ? (await answer.json()).errors : [];
  } catch {
    return [];
  } finally {
    asking.abort();
  }
}
