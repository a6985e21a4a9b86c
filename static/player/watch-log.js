/** So much must have played until it counts as watched. Seconds. */
const WATCHED = 5;
const EVERY_MS = 15_000;
/** Who left this close to the end has seen it all. Seconds. */
const NEARLY = 10;

/**
 * Tells the server that a video is watched, and remembers where one left off: there for who is signed in, else in this
 * browser. Event: `answer` ({views}).
 */
export class WatchLog extends EventTarget {
  #video;
  #positions;
  #about;
  #played = 0;
  #last = null;
  #counted = false;

  /**
   * @param {HTMLVideoElement} video @param {import("./positions.js").Positions} positions
   * @param {{vod: string, url: string, csrf: string, signedIn: boolean, viewer: string}} about
   */
  constructor(video, positions, about) {
    super();
    this.#video = video;
    this.#positions = positions;
    this.#about = about;
    video.addEventListener("timeupdate", () => this.#count());
    video.addEventListener("seeking", () => (this.#last = null));
    video.addEventListener("pause", () => this.#note());
    video.addEventListener("ended", () => this.#note());
    addEventListener("pagehide", () => this.#note());
    setInterval(() => video.paused || this.#note(), EVERY_MS);
  }

  #count() {
    const now = this.#video.currentTime;
    const step = this.#last === null ? 0 : now - this.#last;
    this.#last = now;
    this.#played += step > 0 && step < 2 ? step : 0;
    if (!this.#counted && this.#played >= WATCHED) {
      this.#counted = true;
      this.#tell();
    }
  }

  #note() {
    if (!this.#counted) {
      return;
    }
    if (this.#about.signedIn) {
      this.#tell();
    } else {
      this.#positions.write(this.#about.vod, this.#at);
    }
  }

  /** Seconds; 0 when it was seen to its end, so that the next visit begins at the start. */
  get #at() {
    const { currentTime, duration } = this.#video;
    return currentTime > duration - NEARLY ? 0 : currentTime;
  }

  async #tell() {
    const { url, csrf, viewer } = this.#about;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
        body: JSON.stringify({ viewer, atMs: Math.round(this.#at * 1000) }),
        keepalive: true,
      });
      if (response.ok) {
        this.dispatchEvent(new CustomEvent("answer", { detail: await response.json() }));
      }
    } catch {
      // The next one says it again.
    }
  }
}
