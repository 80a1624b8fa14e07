// A plain page to try the API: it loads nothing but its own three files, so it works offline.

const TOKEN = "trackside.token";
const SHOWN_AT_MOST = 100;
const FIRST = `query Journeys {
  viewer { workspace tokenName scopes }
  journeys(first: 10) {
    nodes { id name status }
  }
}
`;
const TYPES = `query Types {
  __schema {
    types { kind name description fields { name description type { name kind ofType { name } } } }
  }
}
`;

const [form, token, query, variables, stop, types, status, answer] = [
  "request", "token", "query", "variables", "stop", "types", "status", "answer",
].map((id) => document.getElementById(id));

let socket = null;

token.value = sessionStorage.getItem(TOKEN) ?? "";
query.value = FIRST;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(query.value);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
stop.addEventListener("click", () => hangUp("Stopped."));
types.addEventListener("click", () => {
  if (form.reportValidity()) ask({ query: TYPES });
});

function run(text) {
  hangUp("");
  sessionStorage.setItem(TOKEN, token.value.trim());
  let values;
  try {
    values = JSON.parse(variables.value || "{}");
  } catch (error) {
    status.textContent = `The variables are not JSON: ${error.message}`;
    return;
  }
  const request = { query: text, variables: values };
  // Comments before it do not count.
  if (/^\s*(#.*\n\s*)*subscription\b/.test(text)) follow(request);
  else ask(request);
}

async function ask(request) {
  status.textContent = "Asking…";
  const began = performance.now();
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json",
        Authorization: `Bearer ${token.value.trim()}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(request),
    });
    const text = await response.text();
    status.textContent = `HTTP ${response.status}, ${Math.round(performance.now() - began)} ms`;
    answer.textContent = pretty(text);
  } catch (error) {
    status.textContent = `No answer: ${error.message}`;
  }
}

function follow(request) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(`${scheme}//${location.host}/graphql`, "graphql-transport-ws");
  const shown = [];
  socket = opened;
  stop.hidden = false;
  answer.textContent = "";
  status.textContent = "Connecting…";
  opened.addEventListener("open", () => {
    send({ type: "connection_init", payload: { Authorization: `Bearer ${token.value.trim()}` } });
  });
  opened.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack") {
      status.textContent = "Listening.";
      send({ id: "1", type: "subscribe", payload: request });
    } else if (message.type === "ping") {
      send({ type: "pong" });
    } else if (message.type === "next" || message.type === "error") {
      shown.unshift(JSON.stringify(message.payload, null, 2));
      shown.length = Math.min(shown.length, SHOWN_AT_MOST);
      answer.textContent = shown.join("\n\n");
    }
    if (message.type === "error") hangUp("Refused.");
    if (message.type === "complete") hangUp("Complete.");
  });
  opened.addEventListener("close", ({ code, reason }) => {
    if (socket === opened) hangUp(`Closed (${code}${reason ? `: ${reason}` : ""}).`);
  });

  function send(message) {
    opened.send(JSON.stringify(message));
  }
}

function hangUp(why) {
  const open = socket;
  socket = null;
  open?.close();
  stop.hidden = true;
  status.textContent = why;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
