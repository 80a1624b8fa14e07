// The table: rows of the board as elements, each made once and changed in place.

import { channelWord, contactName, fullTime, shortTime, statusWords } from "./words.js";

const MILESTONES = 4;
// More at once than the eye can follow are not lit up one by one.
const LIT_AT_MOST = 5;

export class Table {
  #body;
  #drawn = new Map();
  #isFirst = true;

  constructor(body) {
    this.#body = body;
  }

  /** Makes the table show exactly these rows, in this order; touches only what differs. */
  draw(rows) {
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, line] of this.#drawn) {
      if (!wanted.has(id)) {
        line.element.remove();
        this.#drawn.delete(id);
      }
    }
    const fresh = rows.filter((row) => !this.#drawn.has(row.id)).length;
    // What was there when the page opened is not news.
    const isLit = !this.#isFirst && fresh <= LIT_AT_MOST;
    let next = this.#body.firstElementChild;
    for (const row of rows) {
      let line = this.#drawn.get(row.id);
      if (!line) {
        line = newLine();
        this.#drawn.set(row.id, line);
        line.element.classList.toggle("new", isLit);
      }
      if (line.row !== row) fill(line, row);
      if (line.element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(line.element, next);
    }
    if (rows.length > 0) this.#isFirst = false;
  }

  /** The next rows are another list: none of them is news. */
  startOver() {
    this.#isFirst = true;
  }
}

function newLine() {
  const element = document.createElement("tr");
  element.setAttribute("role", "row");
  const cells = {};
  for (const name of COLUMNS) {
    const cell = document.createElement("td");
    cell.setAttribute("role", "cell");
    cell.className = name.split("-")[0];
    cells[name] = cell;
    element.append(cell);
  }
  cells["time-created"].dataset.label = "Created";
  cells["time-click"].dataset.label = "First click";
  cells.action.dataset.label = "Last action";

  // People's and products' names run in either direction.
  for (const name of ["resource", "contact", "journey"]) cells[name].dir = "auto";

  const track = document.createElement("span");
  track.className = "track";
  track.setAttribute("aria-hidden", "true");
  for (let milestone = 0; milestone < MILESTONES; milestone++) {
    track.append(document.createElement("i"));
  }
  const word = document.createElement("span");
  cells.status.append(track, word);
  return { element, cells, track, word, row: null };
}

const COLUMNS = [
  "time-created",
  "status",
  "channel",
  "resource",
  "contact",
  "journey",
  "time-click",
  "action",
];

function fill(line, row) {
  const { element, cells } = line;
  const status = statusWords(row.status);
  element.dataset.id = row.id;
  element.dataset.status = row.status;
  element.dataset.tone = status.tone;
  setText(line.word, status.word);
  setTitle(cells.status, row.failureReason ?? "");
  [...line.track.children].forEach((mark, index) => {
    mark.className = index < status.reached ? "reached" : "";
  });
  setText(cells.channel, channelWord(row.channel));
  for (const [name, text] of [
    ["resource", row.resource.name],
    ["contact", contactName(row.contact)],
    ["journey", row.journey.name],
  ]) {
    setText(cells[name], text);
    // Long names are cut on the screen.
    setTitle(cells[name], text);
  }
  setTime(cells["time-created"], row.createdAt);
  setTime(cells["time-click"], row.firstClickAt);
  setAction(cells.action, row.lastAction);
  line.row = row;
}

function setAction(cell, action) {
  const key = action ? `${action.kind} ${action.occurredAt} ${action.url ?? ""}` : "";
  if (cell.dataset.key === key) return;
  cell.dataset.key = key;
  cell.replaceChildren();
  setTitle(cell, action?.url ?? "");
  if (!action) return;
  const word = document.createElement("span");
  word.textContent = `${statusWords(action.kind).word} `;
  cell.append(word, timeElement(action.occurredAt));
}

function setTime(cell, text) {
  if ((cell.dataset.at ?? "") === (text ?? "")) return;
  cell.dataset.at = text ?? "";
  cell.replaceChildren(...(text ? [timeElement(text)] : []));
}

function timeElement(text) {
  const moment = new Date(text);
  const element = document.createElement("time");
  element.dateTime = text;
  element.title = fullTime(moment);
  element.textContent = shortTime(moment);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setTitle(element, text) {
  if (element.title !== text) element.title = text;
}
