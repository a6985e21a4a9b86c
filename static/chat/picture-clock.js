import { Preferences } from "../player/preferences.js";

/** From this latency on messages wait for the picture unless one chose otherwise. Seconds. */
const FAR = 4;
const CHOICE = "chat-in-step";
/** A player that has said nothing for so long plays nothing. */
const SILENCE_MS = 5_000;

/** The wall clock of a live picture: the player tells how far behind it is (`playbackprogress`). */
export class LiveClock {
  #latency = 0;
  #toldAt = 0;
  #preferences = new Preferences();

  /** @param {HTMLInputElement} [box] the option */
  constructor(box) {
    document.addEventListener("playbackprogress", ({ detail }) => {
      this.#latency = detail.latency ?? 0;
      this.#toldAt = Date.now();
      if (box && !this.#choice) {
        box.checked = this.#on;
      }
    });
    box?.addEventListener("change", () => {
      this.#preferences.write(CHOICE, box.checked);
    });
    if (box) {
      box.checked = this.#on;
    }
  }

  get #playing() {
    return Date.now() - this.#toldAt < SILENCE_MS;
  }

  /** `true`, `false`, or nothing yet. */
  get #choice() {
    return this.#preferences.read(CHOICE);
  }

  get #on() {
    return this.#choice ? this.#choice === "true" : this.#playing && this.#latency > FAR;
  }

  /** @returns {number} Unix ms. The latency is reckoned on this machine's clock, so that clock's error cancels out. */
  get now() {
    return this.#on && this.#playing ? Date.now() - this.#latency * 1_000 : Infinity;
  }
}

/** The time of a recorded picture: its player tells it whenever it changes (`videoprogress`). */
export class VideoClock {
  #at = 0;
  #rate = 0;
  #toldAt = 0;

  /** @param {{at: number, paused: boolean, rate: number}} progress `at` in seconds */
  tell({ at, paused, rate }) {
    this.#at = at * 1_000;
    this.#rate = paused ? 0 : rate;
    this.#toldAt = performance.now();
  }

  /** @returns {number} ms from the video's start */
  get now() {
    return this.#at + (performance.now() - this.#toldAt) * this.#rate;
  }
}
