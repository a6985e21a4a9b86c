import { AUDIO, AUTO } from "./renditions.js";

/**
 * Plays by the browser's own HLS, where there is no MSE: Safari on iPhones.
 * The same shape as LiveEngine and VodEngine; the system adapts by itself, so the only choices are Auto and audio only.
 */
export class NativeEngine extends EventTarget {
  #video;
  #manifest = "";
  #wanted = AUTO;
  #listening = null;
  #recorded = false;

  renditions = [];
  stalls = 0;
  errors = 0;
  following = true;
  bandwidth = 0;
  bitrate = 0;
  hasAudioOnly = true;

  static supportedBy(video) {
    return Boolean(video.canPlayType("application/vnd.apple.mpegurl"));
  }

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.#video = video;
  }

  /** `at`, in seconds, is where a recording begins; what is live begins at live. */
  open(manifest, { rendition, at }) {
    this.close();
    this.#recorded = at !== undefined;
    this.#manifest = manifest;
    this.#wanted = rendition === AUDIO ? AUDIO : AUTO;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.#video.addEventListener("error", () => this.#fail(), { signal });
    this.#video.addEventListener("waiting", () => this.#wait(), { signal });
    this.#load(at);
    this.dispatchEvent(new CustomEvent("renditions"));
  }

  close() {
    this.#listening?.abort();
    this.#listening = null;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  get wanted() {
    return this.#wanted;
  }

  get rendition() {
    return this.#wanted;
  }

  choose(name) {
    this.#wanted = name === AUDIO ? AUDIO : AUTO;
    this.#load(this.#recorded ? this.#video.currentTime : undefined);
    this.#video.play().catch(() => {});
  }

  goLive() {
    const { seekable } = this.#video;
    if (seekable.length) {
      this.#video.currentTime = seekable.end(seekable.length - 1);
    }
  }

  follow(on) {
    this.following = on;
  }

  suspend() {}

  resume() {
    this.goLive();
  }

  restoreHoldBack() {}

  get latency() {
    const start = this.#video.getStartDate?.().getTime();
    return Number.isFinite(start) ? Math.max(0, (Date.now() - start) / 1000 - this.#video.currentTime) : null;
  }

  get behind() {
    const { seekable, currentTime } = this.#video;
    return { now: seekable.length ? seekable.end(seekable.length - 1) - currentTime : 0, target: 2 };
  }

  #load(at) {
    const manifest = new URL(this.#manifest, location.href);
    const audio = new URL("audio/index.m3u8", manifest);
    audio.search = manifest.search; // what is not for everybody is asked for with a token
    this.#video.src = (this.#wanted === AUDIO ? audio : manifest).href;
    if (at) {
      const begin = () => (this.#video.currentTime = at);
      this.#video.addEventListener("loadedmetadata", begin, { once: true, signal: this.#listening.signal });
    }
    this.dispatchEvent(new CustomEvent("rendition"));
  }

  #wait() {
    this.stalls += 1;
    this.dispatchEvent(new CustomEvent("trouble"));
  }

  #fail() {
    this.errors += 1;
    this.dispatchEvent(new CustomEvent("lost"));
  }
}
