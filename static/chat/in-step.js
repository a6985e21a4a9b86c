/** From this latency on messages wait for the picture unless one chose otherwise. Seconds. */
const FAR = 4;
const KEY = "headrace.chat.in-step";
const MOST_WAITING = 2_000;

/**
 * Holds messages until the viewer's own picture reaches the time at which they were said, so that nobody reads of a
 * goal before it is shot. The player tells the time of its picture (`playbackprogress`); without one nothing waits.
 */
export class InStep {
  #show;
  #waiting = [];
  #latency = 0;
  #toldAt = 0;
  #timer = 0;
  #choice = localStorage.getItem(KEY);

  /** @param {(records: object[]) => void} show @param {HTMLInputElement} [box] the option */
  constructor(show, box) {
    this.#show = show;
    document.addEventListener("playbackprogress", ({ detail }) => {
      this.#latency = detail.latency ?? 0;
      this.#toldAt = Date.now();
      if (box && this.#choice === null) {
        box.checked = this.on;
      }
    });
    box?.addEventListener("change", () => {
      this.#choice = String(box.checked);
      localStorage.setItem(KEY, this.#choice);
    });
    if (box) {
      box.checked = this.on;
    }
  }

  get on() {
    const playing = Date.now() - this.#toldAt < 5_000;
    return this.#choice === null ? playing && this.#latency > FAR : this.#choice === "true";
  }

  /** @param {object[]} records in order */
  take(records) {
    if (!this.on && !this.#waiting.length) {
      this.#show(records);
      return;
    }
    this.#waiting.push(...records);
    this.#release();
  }

  #release() {
    clearTimeout(this.#timer);
    const playing = Date.now() - this.#toldAt < 5_000;
    // The picture's wall clock: the player's latency is reckoned on this machine's clock, so its error cancels out.
    const pictureAt = this.on && playing ? Date.now() - this.#latency * 1000 : Infinity;
    let due = this.#waiting.findIndex((record) => (record.ts ?? 0) > pictureAt);
    due = due < 0 ? this.#waiting.length : due;
    due = Math.max(due, this.#waiting.length - MOST_WAITING);
    if (due > 0) {
      this.#show(this.#waiting.splice(0, due));
    }
    if (this.#waiting.length) {
      this.#timer = setTimeout(() => this.#release(), 100);
    }
  }
}
