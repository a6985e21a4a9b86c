const NAME = "positions";
/** The most videos whose position is kept; the oldest go. */
const MOST = 200;

/** Where this browser left off in videos, for viewers who are not signed in. */
export class Positions {
  #preferences;

  /** @param {import("./preferences.js").Preferences} preferences */
  constructor(preferences) {
    this.#preferences = preferences;
  }

  /** @param {string} vod @returns {number} seconds, 0 if it was never watched or to its end */
  read(vod) {
    return this.#all().find(([name]) => name === vod)?.[1] ?? 0;
  }

  /** @param {string} vod @param {number} seconds 0 to forget */
  write(vod, seconds) {
    const others = this.#all().filter(([name]) => name !== vod);
    const kept = seconds ? [[vod, Math.round(seconds)], ...others] : others;
    this.#preferences.write(NAME, JSON.stringify(kept.slice(0, MOST)));
  }

  #all() {
    try {
      const kept = JSON.parse(this.#preferences.read(NAME, "[]"));
      return Array.isArray(kept) ? kept.filter((entry) => Array.isArray(entry)) : [];
    } catch {
      return [];
    }
  }
}
