const EVERY_MS = 10_000;

/**
 * Tells the server every 10 s that this browser watches, and hears the number of viewers.
 * Event: `answer` ({state, viewers}).
 */
export class Heartbeat extends EventTarget {
  #report;
  #timer = 0;
  #url = "";

  /** @param {() => object | null} report what to say now; null while nothing is being watched */
  constructor(report) {
    super();
    this.#report = report;
  }

  /** @param {string} broadcast */
  start(broadcast) {
    this.stop();
    this.#url = `/streams/${broadcast}/heartbeat`;
    this.#timer = setInterval(() => this.#beat(), EVERY_MS);
    this.#beat();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  get running() {
    return this.#timer !== 0;
  }

  async #beat() {
    const report = this.#report();
    if (!report) {
      return;
    }
    const url = this.#url;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(report),
        keepalive: true,
      });
      const answer = response.ok ? await response.json() : response.status === 404 ? { state: "ended" } : null;
      if (answer && url === this.#url && this.running) {
        this.dispatchEvent(new CustomEvent("answer", { detail: answer }));
      }
    } catch {
      // The next beat says it again.
    }
  }
}
