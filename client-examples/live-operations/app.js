// The live operations page: asks for the token, opens the board, and puts its parts together.

import { Api, QueryRefused, ServerAway, TokenRefused, UNKNOWN_TOKEN } from "./api.js";
import { Board } from "./board.js";
import { Feed } from "./feed.js";
import { Figures } from "./figures.js";
import { Filters } from "./filters.js";
import { COUNT_COMMUNICATIONS, OVERVIEW } from "./queries.js";
import { forget, keep, token } from "./session.js";
import { GraphQLSocket } from "./socket.js";
import { Table } from "./table.js";
import { count, fullTime, minute } from "./words.js";

const ROWS_HELD = 500;
const COUNT_EVERY_MS = 10_000;
const JOURNEYS_EVERY_MS = 60_000;
const UNKNOWN_JOURNEY_PAUSE_MS = 5_000;
const GAPS = {
  EXPIRED: "The server no longer keeps the events that this page missed.",
  UNKNOWN_EPOCH: "The server's event log is not the one this page was reading.",
};

const byId = (id) => document.getElementById(id);

/** Writes only what differs: a polite live region would repeat itself. */
function say(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function showState(name, word, detail = "") {
  byId("state").dataset.state = name;
  say("state", word);
  say("state-detail", detail);
}

function showNotice(text) {
  say("notice-text", text);
  byId("notice").hidden = !text;
}

function askForToken(problem = "") {
  byId("board").hidden = true;
  byId("forget").hidden = true;
  byId("sign-in").hidden = false;
  byId("token-error").hidden = !problem;
  say("token-error", problem);
  say("workspace", "");
  showState("closed", "Not connected");
  byId("token").value = "";
  byId("token").focus();
}

/** Everything that lives as long as one token is in use; another token begins with a fresh page. */
function openBoard(bearer) {
  const endpoint = new URL("graphql", document.baseURI);
  const api = new Api(endpoint, bearer);
  const board = new Board(ROWS_HELD);
  const table = new Table(byId("rows"));
  const figures = new Figures(byId("board"));
  const filters = new Filters(byId("filters"), refilter);
  const ending = new AbortController();
  const { signal } = ending;
  let isEnded = false;
  let isHeld = false;
  let isListed = false;
  let isChanged = false;
  let frame = null;
  let news = new Set();
  let lastEventAt = null;
  let feed = null;
  let isConnected = false;
  let countNumber = 0;
  let lookedAt = 0;

  const socketAddress = new URL(endpoint);
  socketAddress.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";
  const socket = new GraphQLSocket(
    socketAddress,
    { Authorization: `Bearer ${bearer}` },
    (state) => {
      isConnected = state.name === "open";
      if (state.name === "refused") refuse(UNKNOWN_TOKEN);
      else if (state.name === "waiting") {
        const seconds = Math.max(1, Math.round(state.ms / 1000));
        showState("reconnecting", "Reconnecting", `The server is away; next try in ${seconds} s.`);
      } else if (state.name === "open") showState("catching-up", "Catching up");
      else if (byId("state").dataset.state !== "reconnecting") {
        showState("connecting", "Connecting");
      }
    },
  );

  function follow() {
    feed?.close();
    isListed = false;
    feed = new Feed(api, socket, filters.read(), {
      list(communications, hasMore) {
        isListed = true;
        board.replace(communications, hasMore);
        redraw();
      },
      heard(events) {
        lastEventAt = new Date();
        figures.heard(events);
        const isNew = ({ communication }) => !filters.knows(communication.journey.id);
        if (Date.now() - lookedAt > UNKNOWN_JOURNEY_PAUSE_MS && events.some(isNew)) overview();
      },
      changed(events) {
        for (const { communication } of events) {
          board.put(communication);
          news.add(communication.id);
        }
        redraw();
      },
      state(name) {
        // A word from the feed may arrive after the line is lost; the line's word stands.
        if (!isConnected) return;
        if (name === "live") showState("live", "Live");
        else showState("catching-up", "Catching up");
      },
      gap(reason) {
        showState("gap", "Gap");
        showNotice(`${GAPS[reason] ?? reason} The list was read again; nothing shown is wrong.`);
      },
      refused: (error) => refuse(error.message),
      trouble: (message) => showNotice(`The server refused: ${message}`),
    });
  }

  function refilter() {
    board.keepOnly(filters.read().has);
    table.startOver();
    say("total", "–");
    follow();
    recount();
    redraw();
  }

  function redraw() {
    isChanged = true;
    frame ??= requestAnimationFrame(draw);
  }

  function draw() {
    frame = null;
    drawControls();
    if (isHeld || !isChanged) return;
    isChanged = false;
    news = new Set();
    table.draw(board.rows);
    const rows = board.rows.length;
    byId("communications").classList.toggle("one-journey", filters.hasJourney);
    say("shown", rows === 0 ? "" : `the newest ${count(rows)}`);
    const isEmpty = isListed && rows === 0;
    byId("empty").hidden = !isEmpty;
    byId("communications").hidden = isEmpty;
    say("empty-title", filters.isEmpty ? "No communications yet" : "No communications match");
    say(
      "empty-hint",
      filters.isEmpty
        ? "The first one appears here the moment a journey sends it."
        : "New ones that match appear here as they are sent.",
    );
  }

  function drawControls() {
    byId("clear").hidden = filters.isEmpty;
    const waiting = news.size > 0 ? ` (${count(news.size)} changed)` : "";
    say("pause", isHeld ? `Go on${waiting}` : "Hold still");
  }

  async function ask(document_, variables) {
    try {
      return await api.query(document_, variables, { signal });
    } catch (error) {
      if (isEnded) return null;
      if (error instanceof TokenRefused) refuse(error.message);
      else if (error instanceof QueryRefused) showNotice(`The server refused: ${error.message}`);
      // The state of the connection tells that the server is away; the next turn asks again.
      else if (!(error instanceof ServerAway)) throw error;
      return null;
    }
  }

  async function overview() {
    lookedAt = Date.now();
    const journeys = [];
    let after = null;
    let data;
    do {
      data = await ask(OVERVIEW, { after });
      if (!data) break;
      journeys.push(...data.journeys.nodes);
      after = data.journeys.pageInfo.endCursor;
    } while (data.journeys.pageInfo.hasNextPage && journeys.length < 1000);
    if (!data) return;
    say("workspace", data.viewer.workspace);
    filters.journeys(journeys);
  }

  async function recount() {
    const number = ++countNumber;
    const data = await ask(COUNT_COMMUNICATIONS, { filter: filters.read().list });
    // A later question has its own answer.
    if (!data || number !== countNumber) return;
    const { value, precision } = data.communications.totalCount;
    say("total", precision === "AT_LEAST" ? `${count(value)}+` : count(value));
  }

  function refuse(message) {
    if (isEnded) return;
    end();
    forget();
    askForToken(message);
  }

  const timers = [
    setInterval(() => {
      figures.draw();
      if (byId("state").dataset.state === "live") {
        say("state-detail", lastEventAt ? `last event ${ago(lastEventAt)}` : "waiting for events");
      }
    }, 1000),
    setInterval(recount, COUNT_EVERY_MS),
    setInterval(overview, JOURNEYS_EVERY_MS),
  ];

  function end() {
    isEnded = true;
    ending.abort();
    feed?.close();
    socket.close();
    timers.forEach(clearInterval);
    cancelAnimationFrame(frame);
  }

  byId("pause").addEventListener(
    "click",
    () => {
      isHeld = !isHeld;
      byId("pause").setAttribute("aria-pressed", String(isHeld));
      redraw();
    },
    { signal },
  );
  byId("clear").addEventListener("click", () => filters.clear(), { signal });
  byId("notice-close").addEventListener("click", () => showNotice(""), { signal });
  addEventListener("online", () => socket.hurry(), { signal });
  document.addEventListener(
    "visibilitychange",
    () => document.visibilityState === "visible" && socket.hurry(),
    { signal },
  );

  const since = new Date();
  byId("since").dateTime = since.toISOString();
  byId("since").title = fullTime(since);
  say("since", minute(since));
  showNotice("");
  byId("sign-in").hidden = true;
  byId("board").hidden = false;
  byId("forget").hidden = false;
  figures.draw();
  follow();
  overview();
  recount();
}

function ago(moment) {
  const seconds = Math.round((Date.now() - moment) / 1000);
  if (seconds < 2) return "now";
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep(byId("token").value);
  location.reload();
});
byId("forget").addEventListener("click", () => {
  forget();
  location.reload();
});
addEventListener("hashchange", () => location.hash.startsWith("#token=") && location.reload());

const bearer = token();
if (bearer) openBoard(bearer);
else askForToken();
