import { AUDIO, AUTO } from "./renditions.js";

/**
 * Plays by the browser's own HLS, where there is no MSE: Safari on iPhones.
 * The same shape as LiveEngine and VodEngine; the system adapts by itself, so the only choices are Auto and audio only.
 */
export class NativeEngine extends EventTarget {
  /** @type {HTMLVideoElement} */
  video;
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
    this.video = video;
  }

  /** Where to begin, in seconds: a recording `at`, a broadcast `behind` its end; what is live begins at live. */
  open(manifest, { rendition, at, behind }) {
    this.close();
    this.#recorded = at !== undefined || behind !== undefined;
    this.#manifest = manifest;
    this.#wanted = rendition === AUDIO ? AUDIO : AUTO;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.video.addEventListener("error", () => this.#fail(), { signal });
    this.video.addEventListener("waiting", () => this.#wait(), { signal });
    this.#load(() => (behind === undefined ? at : Math.max(0, this.#end - behind)));
    this.dispatchEvent(new CustomEvent("renditions"));
  }

  close() {
    this.#listening?.abort();
    this.#listening = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  get wanted() {
    return this.#wanted;
  }

  get rendition() {
    return this.#wanted;
  }

  choose(name) {
    this.#wanted = name === AUDIO ? AUDIO : AUTO;
    const { currentTime } = this.video;
    this.#load(() => (this.#recorded ? currentTime : undefined));
    this.video.play().catch(() => {});
  }

  goLive() {
    if (this.#end) {
      this.video.currentTime = this.#end;
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

  /** Whether what was can be sought: of a broadcast that is on Safari says what can, Chromium's HLS nothing. */
  get seeks() {
    return this.video.seekable.length > 0;
  }

  /** Seconds behind live, where the browser knows what time it was (Safari) or sees an end that moves; else null. */
  get latency() {
    const { currentTime, duration } = this.video;
    const start = this.video.getStartDate?.().getTime();
    if (Number.isFinite(start)) {
      return Math.max(0, (Date.now() - start) / 1000 - currentTime);
    }
    return Number.isFinite(duration) || !this.seeks ? null : this.behind.now;
  }

  get behind() {
    return { now: this.#end && this.#end - this.video.currentTime, target: 2 };
  }

  /** Where what can be played ends, in seconds; 0 before anything is known. */
  get #end() {
    const { seekable } = this.video;
    return this.seeks ? seekable.end(seekable.length - 1) : 0;
  }

  /** @param {() => number | undefined} begin asked once the playlist is known; undefined leaves it to the browser */
  #load(begin) {
    const manifest = new URL(this.#manifest, location.href);
    const audio = new URL(`audio/${manifest.pathname.endsWith("/dvr.m3u8") ? "dvr" : "index"}.m3u8`, manifest);
    audio.search = manifest.search; // what is not for everybody is asked for with a token
    this.video.src = (this.#wanted === AUDIO ? audio : manifest).href;
    const seek = () => {
      const at = begin();
      if (at !== undefined) {
        this.video.currentTime = at;
      }
    };
    this.video.addEventListener("loadedmetadata", seek, { once: true, signal: this.#listening.signal });
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
