const MOST_WAITING = 2_000;

/**
 * Holds records until the picture reaches the time at which they were said, so that nobody reads of a goal before it
 * is shot. What one said oneself is shown at once, and so is what a moderator takes away: it is never shown at all.
 *
 * A record's time is its `at` (ms of a video) or its `ts` (Unix ms), and the clock's `now` counts alike.
 */
export class InStep {
  #show;
  #clock;
  #isOwn;
  #waiting = [];
  #timer = 0;

  /**
   * @param {(records: object[]) => void} show
   * @param {{now: number}} clock where the picture is; Infinity when nothing waits
   * @param {(record: object) => boolean} [isOwn]
   */
  constructor(show, clock, isOwn = () => false) {
    this.#show = show;
    this.#clock = clock;
    this.#isOwn = isOwn;
  }

  /** @param {object[]} records in order */
  take(records) {
    if (this.#clock.now === Infinity && !this.#waiting.length) {
      this.#show(records);
      return;
    }
    const atOnce = [];
    for (const record of records) {
      if (record.type === "delete" || record.type === "clear") {
        this.#waiting = this.#waiting.filter((waiting) => !takesAway(record, waiting));
        atOnce.push(record);
      } else if (this.#isOwn(record)) {
        atOnce.push(record);
      } else {
        this.#waiting.push(record);
      }
    }
    if (atOnce.length) {
      this.#show(atOnce);
    }
    this.#release();
  }

  /** Drops what waits. */
  empty() {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #release() {
    clearTimeout(this.#timer);
    const { now } = this.#clock;
    let due = this.#waiting.findIndex((record) => (record.at ?? record.ts ?? 0) > now);
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

function takesAway(control, record) {
  if (record.type !== "message") {
    return false;
  }
  return control.type === "delete" ? record.id === control.target : !control.user || record.user.id === control.user;
}
