import { clock } from "../js/clock.js";

/** Less than this behind live is live. Seconds. */
const NEAR_LIVE = 8;
const EVERY_MS = 500;

/**
 * Going back in a broadcast that is on: a bar from its start to live, and the playlist of all that was, which is another
 * than the live one. Events: `rewind` (seconds behind live, wanted by the bar), `live` (the bar was brought to its end).
 */
export class Rewind extends EventTarget {
  #bar;
  #startedAt = 0;
  #dragged = false;

  engine;
  /** Whether it does. */
  on = false;

  /**
   * @param {VodEngine | NativeEngine} engine plays from further back @param {HTMLInputElement} bar
   * @param {() => number} behind seconds behind live now
   */
  constructor(engine, bar, behind) {
    super();
    this.#bar = bar;
    this.engine = engine;
    bar.addEventListener("input", () => {
      this.#dragged = true;
      this.#describe(-bar.valueAsNumber);
    });
    bar.addEventListener("change", () => {
      this.#dragged = false;
      const wanted = -bar.valueAsNumber;
      if (wanted < NEAR_LIVE) {
        this.dispatchEvent(new CustomEvent("live"));
      } else {
        this.dispatchEvent(new CustomEvent("rewind", { detail: wanted }));
      }
    });
    setInterval(() => this.#show(behind()), EVERY_MS);
  }

  /** Learns when the broadcast began. @param {string} broadcast */
  async follow(broadcast) {
    this.#startedAt = 0;
    this.#bar.disabled = true;
    const response = await fetch(`/streams/${broadcast}`).catch(() => null);
    if (response?.ok) {
      // By the server's clock: a viewer's may be wrong by more than the broadcast is long.
      const now = Date.parse(response.headers.get("Date") ?? "") || Date.now();
      this.#startedAt = Date.now() - (now - Date.parse((await response.json()).startedAt));
    }
  }

  /** Plays from further back; if it does already, jumps there. @param {string} broadcast @param {number} behind seconds */
  to(broadcast, behind, choice) {
    if (this.on) {
      const { video } = this.engine;
      video.currentTime = Math.max(0, video.currentTime + (this.engine.latency ?? behind) - behind);
      return;
    }
    this.on = true;
    this.engine.open(`/streams/${broadcast}/dvr.m3u8`, { ...choice, behind });
  }

  close() {
    if (this.on) {
      this.on = false;
      this.engine.close();
    }
  }

  #show(behind) {
    if (this.#dragged || !this.#startedAt) {
      return;
    }
    const length = Math.max(1, Math.round((Date.now() - this.#startedAt) / 1000));
    this.#bar.disabled = !this.engine.seeks;
    this.#bar.min = String(-length);
    this.#bar.valueAsNumber = behind < NEAR_LIVE ? 0 : -Math.min(length, Math.round(behind));
    this.#describe(-this.#bar.valueAsNumber);
  }

  #describe(behind) {
    const share = 1 + this.#bar.valueAsNumber / -Number(this.#bar.min);
    this.#bar.style.setProperty("--share", `${(share * 100).toFixed(2)}%`);
    const [minutes, seconds] = [Math.floor(behind / 60), behind % 60];
    const spoken = `${minutes ? `${minutes} minute${minutes === 1 ? "" : "s"} ` : ""}${seconds} seconds behind live`;
    this.#bar.setAttribute("aria-valuetext", behind < NEAR_LIVE ? "Live" : spoken);
    this.#bar.title = behind < NEAR_LIVE ? "Live" : `−${clock(behind)}`;
  }
}
