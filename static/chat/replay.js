import { EmoteSet } from "./emote-set.js";
import { InStep } from "./in-step.js";
import { messageLine } from "./line.js";
import { Log } from "./log.js";
import { VideoClock } from "./picture-clock.js";

/** What was said so long before the place one jumps to is shown too. */
const BEFORE_MS = 30_000;
/** The next stretch is fetched so long before the picture gets there. */
const AHEAD_MS = 20_000;
const RETRY_MS = 3_000;
/** A player tells its time a few times a second; a larger step is a jump. */
const JUMP_MS = 3_000;

/** A recorded room beside its video: the same lines at the same pictures. `chat/_replay.html` is its markup. */
export class Replay {
  #url;
  #log;
  #emotes;
  #clock = new VideoClock();
  #inStep;
  #until = 0;
  #fetching = null;
  #last = -Infinity;

  /** @param {HTMLElement} root the section with data-replay */
  constructor(root) {
    const { replay, emotesUrl, houseEmotes } = root.dataset;
    this.#url = replay;
    this.#log = new Log(root.querySelector("[data-lines]"), root.querySelector("[data-more]"));
    this.#emotes = new EmoteSet(emotesUrl, houseEmotes);
    this.#inStep = new InStep((records) => this.#show(records), this.#clock);
  }

  start() {
    document.addEventListener("videoprogress", ({ detail }) => this.#told(detail));
  }

  #told(progress) {
    this.#clock.tell(progress);
    const { now } = this.#clock;
    if (now < this.#last - 500 || now > this.#last + JUMP_MS * Math.max(1, progress.rate)) {
      this.#fetching?.abort();
      this.#fetching = null;
      this.#log.empty();
      this.#inStep.empty();
      this.#until = Math.max(0, Math.floor(now) - BEFORE_MS);
    }
    this.#last = now;
    this.#fetchIfDue();
  }

  #fetchIfDue() {
    if (!this.#fetching && this.#until !== null && this.#last + AHEAD_MS > this.#until) {
      this.#fetch();
    }
  }

  async #fetch() {
    const fetching = (this.#fetching = new AbortController());
    try {
      const response = await fetch(`${this.#url}?from=${this.#until}`, { signal: fetching.signal });
      if (!response.ok) {
        throw new Error(response.statusText);
      }
      const { records, until } = await response.json();
      this.#until = until;
      this.#inStep.take(records);
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    if (this.#fetching === fetching) {
      this.#fetching = null;
      this.#fetchIfDue();
    }
  }

  #show(records) {
    const lines = [];
    const flush = () => lines.length && this.#log.append(lines.splice(0));
    for (const record of records) {
      if (record.type === "message") {
        lines.push(messageLine(record, this.#emotes, ""));
        continue;
      }
      flush();
      if (record.type === "delete") {
        this.#log.remove(record.target);
      } else if (record.type === "clear" && record.user) {
        this.#log.removeOf(record.user);
      } else if (record.type === "clear") {
        this.#log.empty();
      }
    }
    flush();
  }
}
