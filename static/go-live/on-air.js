// Being on air: one WHIP session, and another whenever that is lost, for as long as the broadcast waits for it.

import { WhipError, WhipSession } from "./whip.js";

/** The pause before the first try, the second, and so on; the last is repeated. */
const RETRY_MS = [0, 1_000, 2_000, 4_000, 8_000];
/** A connection that held for so long has its tries back. */
const STEADY_MS = 10_000;
const WATCH_MS = 1_000;

/**
 * `onstate(state)` tells of "connecting", "live", "reconnecting" and "off", `onend(message)` why it is off when nobody
 * asked for that.
 */
export class OnAir {
  /**
   * @param {string} url WHIP's endpoint
   * @param {() => Promise<string>} ticket gets what a session is begun with
   * @param {number} graceMs for how long a broadcast waits; who was away for longer doesn't go live unasked
   */
  constructor(url, ticket, graceMs) {
    this.url = url;
    this.ticket = ticket;
    this.graceMs = graceMs;
    this.onstate = () => {};
    this.onend = () => {};
    this.session = null;
    this.stream = null;
    /** Which session this is to be: what an earlier one still waits for is none of ours. */
    this.run = 0;
    addEventListener("online", () => this.waiting && this.#connect("reconnecting"));
  }

  start(stream) {
    this.stream = stream;
    this.tries = 0;
    this.failure = "";
    this.seen = Date.now();
    // a computer that slept finds out here, before anything is sent again
    this.watch = setInterval(() => this.#look(), WATCH_MS);
    this.#connect("connecting");
  }

  /** Sends another stream from now on, at once where the session has the place for it. */
  async replace(stream) {
    this.stream = stream;
    const { session } = this;
    const replaced = await session?.replace(stream).catch(() => false);
    if (replaced === false && session === this.session) {
      this.#connect("reconnecting");
    }
  }

  stop() {
    this.run += 1;
    clearInterval(this.watch);
    clearTimeout(this.waiting);
    this.waiting = 0;
    this.session?.stop();
    this.session = null;
    this.onstate("off");
  }

  #end(message) {
    this.stop();
    this.onend(message);
  }

  #look() {
    if (Date.now() - this.seen > this.graceMs) {
      this.#end(this.failure || "You were away for too long. Go live again; if your stream has ended, another begins.");
    } else if (this.session?.isConnected) {
      this.seen = Date.now();
      this.tries = this.seen - this.since > STEADY_MS ? 0 : this.tries;
    }
  }

  async #connect(state) {
    const mine = ++this.run;
    clearTimeout(this.waiting);
    this.waiting = 0;
    this.session?.stop();
    this.session = null;
    this.onstate(state);
    try {
      const begun = new WhipSession(this.url, await this.ticket(), this.stream);
      if (mine !== this.run) {
        return;
      }
      begun.onway = (there) => mine === this.run && this.onstate(there ? "live" : "reconnecting");
      begun.onlost = () => mine === this.run && this.#again("reconnecting");
      this.session = begun;
      await begun.start(state === "reconnecting");
      if (mine === this.run) {
        this.since = Date.now();
        this.failure = "";
        this.onstate("live");
      }
    } catch (error) {
      if (mine !== this.run) {
        return;
      }
      this.failure = error.message;
      error instanceof WhipError && error.retry ? this.#again(state) : this.#end(error.message);
    }
  }

  #again(state) {
    this.run += 1;
    this.session?.stop();
    this.session = null;
    this.onstate(state);
    const pause = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    this.waiting = setTimeout(() => this.#connect(state), pause);
  }
}
