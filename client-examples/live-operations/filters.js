// The filters: journey, channels and resource name; kept in the address, as a bookmark of a screen.

import { CHANNELS } from "./words.js";

const TYPING_PAUSE_MS = 300;

export class Filters {
  #form;
  #journeys;
  #journeyBox;
  #resource;
  #onChange;
  #typing = null;
  #wantedJourney;

  constructor(form, onChange) {
    this.#form = form;
    this.#journeyBox = form.querySelector("#journeys");
    this.#resource = form.elements.resource;
    this.#onChange = onChange;
    const address = new URLSearchParams(location.search);
    this.#wantedJourney = address.get("journey") ?? "";
    const channels = address.getAll("channel");
    form
      .querySelector("#channels")
      .append(
        ...Object.entries(CHANNELS).map(([value, word]) =>
          choice("checkbox", "channel", value, word, channels.includes(value)),
        ),
      );
    this.#resource.value = address.get("resource") ?? "";
    this.journeys([]);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      clearTimeout(this.#typing);
      const isTyping = event.target === this.#resource;
      this.#typing = setTimeout(() => this.#changed(), isTyping ? TYPING_PAUSE_MS : 0);
    });
  }

  get hasJourney() {
    return this.#chosen().journey !== "";
  }

  get isEmpty() {
    const { journey, channels, resource } = this.#chosen();
    return !journey && channels.length === 0 && !resource;
  }

  /** Draws the choice of journeys; keeps what is chosen. */
  journeys(journeys) {
    const chosen = this.#form.elements.journey?.value ?? this.#wantedJourney;
    const known = JSON.stringify(journeys);
    if (this.#journeys === known) return;
    const before = this.#journeys === undefined ? null : this.#chosen().journey;
    this.#journeys = known;
    const hasFocus = this.#journeyBox.contains(document.activeElement);
    const all = choice("radio", "journey", "", "All journeys", true);
    const one = journeys.map(({ id, name, status }) => {
      const made = choice("radio", "journey", id, name, id === (this.#wantedJourney || chosen));
      if (status !== "ACTIVE") {
        const note = document.createElement("small");
        note.textContent = status.toLowerCase();
        made.append(note);
      }
      return made;
    });
    this.#journeyBox.replaceChildren(all, ...one);
    if (hasFocus) this.#journeyBox.querySelector(":checked").focus();
    // The journey of an old bookmark may be gone.
    if (before !== null && before !== this.#chosen().journey) this.#changed();
  }

  knows(journeyId) {
    return this.#journeys.includes(JSON.stringify(journeyId));
  }

  clear() {
    for (const box of this.#form.querySelectorAll("[name=channel]")) box.checked = false;
    this.#form.querySelector("[name=journey]").checked = true;
    this.#resource.value = "";
    this.#changed();
  }

  /** As filters of the list and of the events, and as a test of a row that is here already. */
  read() {
    const { journey, channels, resource } = this.#chosen();
    const filter = {};
    if (journey) filter.journeyId = [journey];
    if (channels.length > 0) filter.channel = channels;
    if (resource) filter.resource = { contains: resource };
    const folded = resource.normalize("NFKC").toLowerCase();
    return {
      list: filter,
      events: filter,
      has: (row) =>
        (!journey || row.journey.id === journey) &&
        (channels.length === 0 || channels.includes(row.channel)) &&
        row.resource.name.normalize("NFKC").toLowerCase().includes(folded),
    };
  }

  #chosen() {
    const form = new FormData(this.#form);
    return {
      // Before the journeys are known the one of the address counts.
      journey: form.get("journey") || (this.#journeys === "[]" ? this.#wantedJourney : ""),
      channels: form.getAll("channel"),
      resource: (form.get("resource") ?? "").trim(),
    };
  }

  #changed() {
    this.#wantedJourney = "";
    const { journey, channels, resource } = this.#chosen();
    const address = new URLSearchParams();
    if (journey) address.set("journey", journey);
    for (const channel of channels) address.append("channel", channel);
    if (resource) address.set("resource", resource);
    const query = address.toString();
    history.replaceState(null, "", location.pathname + (query ? `?${query}` : ""));
    this.#onChange();
  }
}

function choice(type, name, value, word, isChecked) {
  const label = document.createElement("label");
  label.className = "choice";
  const input = document.createElement("input");
  Object.assign(input, { type, name, value, checked: isChecked });
  const text = document.createElement("span");
  text.textContent = word;
  text.dir = "auto";
  label.append(input, text);
  return label;
}
