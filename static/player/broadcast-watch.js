// Whether the channel is on, without asking more than it must.
//
// While the player plays, nobody asks: the heartbeat's answer says enough. Once the player is in trouble the broadcast's
// status is asked every 1.5 s. That a channel goes live is told (`told`); it is asked for all the same while nothing is
// on, every 15 s, for words can get lost.

const SUSPECT_MS = 1_500;
const OFFLINE_MS = 15_000;
const HIDDEN_MS = 60_000;
/** Not all who wait for a channel come at the same moment when it goes live. */
const SPREAD_MS = 1_500;
/** So long after it was told the channel is asked more often: there may be nothing to play yet. */
const EXPECTED_MS = 30_000;

/** Events: `change` ({broadcast, state}), whenever either changed; `again` when a broadcast in trouble is found live. */
export class BroadcastWatch extends EventTarget {
  #liveUrl;
  #timer = 0;
  #suspicious = false;
  #expectedUntil = 0;

  /** The broadcast's id, or "". */
  broadcast = "";
  /** `live`, `reconnecting` or `offline`. */
  state = "offline";

  /** @param {string} liveUrl answers {"broadcast": id or null} for the channel */
  constructor(liveUrl) {
    super();
    this.#liveUrl = liveUrl;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state === "offline") {
        this.#schedule(0);
      }
    });
  }

  /** @param {string} broadcast what the page said is on, or "" */
  start(broadcast) {
    this.#become(broadcast ? "live" : "offline", broadcast);
    if (!broadcast) {
      this.#schedule(OFFLINE_MS);
    }
  }

  /** The player is in trouble: find out why. */
  suspect() {
    if (this.state !== "offline" && !this.#suspicious) {
      this.#suspicious = true;
      this.#schedule(0);
    }
  }

  /** The player plays. */
  trust() {
    this.#suspicious = false;
    if (this.state === "reconnecting") {
      this.#become("live", this.broadcast);
    }
  }

  /**
   * What the site said by itself: only what begins counts. An end is still to be played, and playing shows it.
   *
   * @param {{id: string | null, state: string}} stream
   */
  told({ id, state }) {
    if (state === "live" && this.state === "offline") {
      this.#expectedUntil = performance.now() + EXPECTED_MS;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#become("live", id), Math.random() * SPREAD_MS);
    }
  }

  /** What a heartbeat's answer or a status said. @param {{state?: string}} report */
  learn({ state }) {
    if (state === "ended") {
      this.#suspicious = false;
      this.#become("offline", "");
      this.#schedule(this.#pause);
    } else if (state === "reconnecting") {
      this.#suspicious = true;
      this.#become("reconnecting", this.broadcast);
      this.#schedule(SUSPECT_MS);
    } else if (state === "live" && this.#suspicious) {
      this.dispatchEvent(new CustomEvent("again"));
    }
  }

  /** How long until the channel is asked whether it is on. */
  get #pause() {
    if (performance.now() < this.#expectedUntil) {
      return SUSPECT_MS;
    }
    return document.hidden ? HIDDEN_MS : OFFLINE_MS;
  }

  #become(state, broadcast) {
    if (state === this.state && broadcast === this.broadcast) {
      return;
    }
    this.state = state;
    this.broadcast = broadcast;
    this.dispatchEvent(new CustomEvent("change", { detail: { state, broadcast } }));
  }

  #schedule(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    const offline = this.state === "offline";
    try {
      if (offline) {
        await this.#askChannel();
      } else {
        await this.#askBroadcast();
      }
    } catch {
      // The network or the server is away: that is no news about the broadcast, so keep asking.
    }
    if (this.state === "offline") {
      this.#schedule(this.#pause);
    } else if (this.#suspicious) {
      this.#schedule(SUSPECT_MS);
    }
  }

  async #askChannel() {
    const response = await fetch(this.#liveUrl, { headers: { Accept: "application/json" } });
    const { broadcast } = response.ok ? await response.json() : {};
    if (broadcast && this.state === "offline") {
      this.#become("live", broadcast);
    }
  }

  async #askBroadcast() {
    const response = await fetch(`/streams/${this.broadcast}/status`, { cache: "no-store" });
    if (response.status === 404 || response.status === 410) {
      this.learn({ state: "ended" });
    } else if (response.ok) {
      this.learn(await response.json());
    }
  }
}
