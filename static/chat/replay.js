import { EmoteSet } from "./emote-set.js";
import { InStep } from "./in-step.js";
import { messageLine, noticeLine } from "./line.js";
import { Log } from "./log.js";
import { VideoClock } from "./picture-clock.js";

/** What was said so long before the place one jumps to is shown too. */
const BEFORE_MS = 30_000;
/** The next window is fetched so long before the picture gets there. */
const AHEAD_MS = 20_000;
const RETRY_MS = 3_000;
/** Chat is made when a broadcast has ended, so it may come yet: asked for after so long, then after twice as long, … */
const ABSENT_MS = 10_000;
/** A player tells its time a few times a second; a larger step is a jump. */
const JUMP_MS = 3_000;

/** A recorded room beside its video: the same lines at the same pictures. `chat/_replay.html` is its markup. */
export class Replay {
  #url;
  #log;
  #emotes;
  #clock = new VideoClock();
  #inStep;
  #window = 0;
  #everyMs = 30_000;
  #fetching = null;
  /** How often it was not there. */
  #absent = 0;
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
      this.#absent = 0;
      this.#window = Math.floor(Math.max(0, now - BEFORE_MS) / this.#everyMs);
    }
    this.#last = now;
    this.#fetchIfDue();
  }

  #fetchIfDue() {
    if (!this.#fetching && this.#last + AHEAD_MS > this.#window * this.#everyMs) {
      this.#fetch();
    }
  }

  async #fetch() {
    const fetching = (this.#fetching = new AbortController());
    try {
      const response = await fetch(this.#url.replace("{n}", this.#window), { signal: fetching.signal });
      if (response.status === 404) {
        await this.#isAbsent();
      } else if (response.ok) {
        this.#take(await response.json());
      } else {
        throw new Error(response.statusText);
      }
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      await pause(RETRY_MS);
    }
    if (this.#fetching === fetching) {
      this.#fetching = null;
      this.#fetchIfDue();
    }
  }

  async #isAbsent() {
    if (!this.#absent) {
      this.#log.append([noticeLine("Nothing was said, or it is not to be had yet.")]);
    }
    this.#absent += 1;
    await pause(ABSENT_MS * 2 ** (this.#absent - 1));
  }

  #take({ every_ms: everyMs, messages }) {
    if (this.#absent) {
      this.#absent = 0;
      this.#log.empty();
    }
    this.#everyMs = everyMs;
    this.#window += 1;
    this.#inStep.take(messages);
  }

  #show(messages) {
    this.#log.append(messages.map((message) => messageLine(message, this.#emotes, "")));
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
