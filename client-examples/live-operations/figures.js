// The figures: what was heard since the page was opened, and the pulse of the last minute.

import { count } from "./words.js";

const SECONDS = 60;
const BAR = 240 / SECONDS;
const HEIGHT = 40;
const SVG = "http://www.w3.org/2000/svg";

const TALLIES = {
  QUEUED: "created",
  DELIVERED: "delivered",
  IMPRESSION: "seen",
  OPENED: "seen",
  CLICKED: "clicked",
  FAILED: "failed",
  BOUNCED: "failed",
};

export class Figures {
  #tallies = { created: 0, delivered: 0, seen: 0, clicked: 0, failed: 0 };
  #cells;
  #rate;
  #bars;
  #perSecond = new Array(SECONDS).fill(0);
  #second = currentSecond();
  #began = currentSecond();

  constructor(root) {
    this.#cells = [...root.querySelectorAll("[data-tally]")];
    this.#rate = root.querySelector("#rate");
    const pulse = root.querySelector("#pulse");
    this.#bars = this.#perSecond.map((_, index) => {
      const bar = document.createElementNS(SVG, "rect");
      bar.setAttribute("x", String(index * BAR));
      bar.setAttribute("width", String(BAR - 1));
      pulse.append(bar);
      return bar;
    });
  }

  heard(events) {
    this.#turn();
    this.#perSecond[SECONDS - 1] += events.length;
    for (const event of events) {
      const tally = TALLIES[event.kind];
      if (tally) this.#tallies[tally] += 1;
    }
  }

  draw() {
    this.#turn();
    for (const cell of this.#cells) {
      const tally = this.#tallies[cell.dataset.tally];
      const text = count(tally);
      if (cell.textContent !== text) cell.textContent = text;
      cell.classList.toggle("none", tally === 0);
    }
    const total = this.#perSecond.reduce((sum, events) => sum + events, 0);
    // A page that was opened ten seconds ago knows ten seconds.
    this.#rate.textContent = (total / Math.min(SECONDS, 1 + this.#second - this.#began)).toFixed(1);
    const most = Math.max(4, ...this.#perSecond);
    this.#bars.forEach((bar, index) => {
      const height = Math.max(1, (this.#perSecond[index] / most) * HEIGHT);
      bar.setAttribute("height", height.toFixed(1));
      bar.setAttribute("y", (HEIGHT - height).toFixed(1));
    });
  }

  /** Moves the minute on to the present second. */
  #turn() {
    const now = currentSecond();
    const passed = Math.min(SECONDS, now - this.#second);
    this.#second = now;
    if (passed > 0) {
      this.#perSecond = [...this.#perSecond.slice(passed), ...new Array(passed).fill(0)];
    }
  }
}

function currentSecond() {
  return Math.floor(performance.now() / 1000);
}
