import { parseMoment } from "./moment.js";
import { NativeEngine } from "./native-engine.js";
import { Positions } from "./positions.js";
import { AUDIO } from "./renditions.js";
import { Stage } from "./stage.js";
import { VodEngine } from "./vod-engine.js";
import { WatchLog } from "./watch-log.js";

/** What could not be loaded is tried again after so long. */
const RETRY_MS = 3_000;
const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

/** The player of a video that is recorded. */
export class VodPlayer {
  #stage;
  #video;
  #engine = null;
  #manifest;
  #start;

  /** @param {HTMLElement} root the section with data-player */
  constructor(root) {
    this.#stage = new Stage(root);
    this.#video = this.#stage.video;
    const { vod, manifest, watchUrl, csrf, signedIn, resume } = root.dataset;
    const positions = new Positions(this.#stage.preferences);
    this.#manifest = manifest;
    this.#start =
      parseMoment(new URLSearchParams(location.search).get("t") ?? "") ??
      (signedIn === "true" ? Number(resume) : positions.read(vod));
    const about = { vod, url: watchUrl, csrf, signedIn: signedIn === "true", viewer: this.#stage.preferences.viewer };
    const log = new WatchLog(this.#video, positions, about);
    log.addEventListener("answer", ({ detail }) => this.#stage.tell("viewscount", detail));
    const seek = (by) => () => this.#seekTo(this.#video.currentTime + by);
    this.#stage.addKeys({
      back: { keys: ["ArrowLeft"], label: "Back 5 seconds", local: true, run: seek(-5) },
      forward: { keys: ["ArrowRight"], label: "Forward 5 seconds", local: true, run: seek(5) },
      farBack: { keys: ["j"], label: "Back 10 seconds", run: seek(-10) },
      farForward: { keys: ["l"], label: "Forward 10 seconds", run: seek(10) },
      slower: { keys: ["<"], label: "Slower", run: () => this.#changeRate(-1) },
      faster: { keys: [">"], label: "Faster", run: () => this.#changeRate(1) },
    });
  }

  start() {
    if (VodEngine.supported) {
      this.#engine = new VodEngine(this.#video);
    } else if (NativeEngine.supportedBy(this.#video)) {
      this.#engine = new NativeEngine(this.#video);
    } else {
      this.#stage.curtain.show("unsupported");
      return;
    }
    this.#stage.listenTo(this.#engine);
    this.#stage.use(this.#engine);
    this.#engine.addEventListener("lost", () => this.#recover());
    this.#video.addEventListener("playing", () => this.#showPlaying());
    this.#engine.addEventListener("rendition", () => this.#showPlaying());
    for (const event of ["timeupdate", "seeked", "pause", "play", "ratechange"]) {
      this.#video.addEventListener(event, () => this.#tellTime());
    }
    this.#stage.root.addEventListener("seekto", ({ detail }) => {
      this.#seekTo(detail);
      this.#stage.sound.play();
    });
    this.#video.addEventListener("durationchange", () => this.#placeMarks());
    this.#open(this.#start);
    this.#stage.sound.play();
  }

  #open(at) {
    this.#stage.curtain.show("starting");
    this.#engine.open(this.#manifest, { ...this.#stage.choice, at });
  }

  /** An address that has expired is renewed, and playback goes on where it was. */
  async #recover() {
    const at = this.#video.currentTime || this.#start;
    const { paused } = this.#video;
    this.#stage.curtain.show("lost");
    const answer = await fetch(this.#stage.root.dataset.vodUrl).catch(() => null);
    if (answer?.status === 404 || answer?.status === 403) {
      this.#engine.close();
      this.#stage.curtain.show("gone");
      return;
    }
    if (answer?.ok) {
      const { manifestUrl } = await answer.json();
      if (manifestUrl) {
        const { pathname, search } = new URL(manifestUrl);
        this.#manifest = pathname + search;
      }
    }
    setTimeout(() => {
      this.#open(at);
      if (!paused) {
        this.#stage.sound.play();
      }
    }, RETRY_MS);
  }

  #seekTo(seconds) {
    const { duration } = this.#video;
    this.#video.currentTime = Math.min(Math.max(0, seconds), Number.isFinite(duration) ? duration : seconds);
  }

  #changeRate(step) {
    const at = RATES.findIndex((rate) => rate >= this.#video.playbackRate);
    this.#video.playbackRate = RATES[Math.min(RATES.length - 1, Math.max(0, at + step))];
  }

  #showPlaying() {
    this.#stage.curtain.show(this.#engine.wanted === AUDIO ? "audio" : "playing");
  }

  #placeMarks() {
    const { duration } = this.#video;
    for (const mark of this.#stage.root.querySelectorAll("[data-mark]")) {
      mark.style.insetInlineStart = `${Math.min(100, mark.dataset.mark / duration / 10)}%`;
    }
  }

  #tellTime() {
    const { currentTime, paused, playbackRate } = this.#video;
    this.#stage.tell("videoprogress", { at: currentTime, paused, rate: playbackRate });
  }
}
