import { BroadcastWatch } from "./broadcast-watch.js";
import { Curtain } from "./curtain.js";
import { Heartbeat } from "./heartbeat.js";
import { HlsEngine } from "./hls-engine.js";
import { NativeEngine } from "./native-engine.js";
import { ForgetfulPreferences, Preferences } from "./preferences.js";
import { QualityMenu } from "./quality-menu.js";
import { AUDIO, AUTO } from "./renditions.js";
import { describeKeys, listenForKeys } from "./shortcuts.js";
import { Sound } from "./sound.js";
import { StatsOverlay } from "./stats-overlay.js";
import { Theatre } from "./theatre.js";

/** A viewer this close to live when playback goes on is pulled back to it. Seconds. */
const CLOSE_TO_LIVE = 3;
/** A pause this long stops loading; playing on starts at live. */
const LONG_PAUSE_MS = 60_000;
/** The engine gets this long to show a picture before it is opened again. */
const OPEN_PATIENCE_MS = 4_000;
const BOOKKEEPING_MS = 1_000;

/** One player: the engine that plays, and everything around the picture. `_player.html` is its markup. */
export class Player {
  #root;
  #video;
  #preferences;
  #engine = null;
  #watch;
  #heartbeat;
  #curtain;
  #sound;
  #menu;
  #stats;
  #pauseTimer = 0;
  #suspended = false;
  #openedAt = -Infinity;
  #progress = { time: 0, at: 0 };
  #told = { stalls: 0, errors: 0 };

  /** @param {HTMLElement} root the section with data-player */
  constructor(root) {
    const part = (selector) => root.querySelector(selector);
    const compact = "compact" in root.dataset;
    this.#root = root;
    this.#video = part("video");
    this.#preferences = compact ? new ForgetfulPreferences() : new Preferences();
    this.#curtain = new Curtain(root);
    this.#sound = new Sound(this.#video, this.#preferences, part("[data-unmute]"));
    this.#menu = new QualityMenu(part("[data-qualities]"));
    this.#stats = new StatsOverlay(part("[data-stats]"), this.#video, () => this.#engine);
    this.#watch = new BroadcastWatch(root.dataset.liveUrl);
    // A streamer who looks at the preview is no viewer.
    this.#heartbeat = new Heartbeat(() => (compact ? null : this.#report()));
    if (!compact) {
      this.#addKeys(new Theatre(part("[data-theatre-button]"), this.#preferences));
    }
  }

  start() {
    if (HlsEngine.supported) {
      this.#engine = new HlsEngine(this.#video);
    } else if (NativeEngine.supportedBy(this.#video)) {
      this.#engine = new NativeEngine(this.#video);
    } else {
      this.#curtain.show("unsupported");
      return;
    }
    this.#listenToEngine();
    this.#listenToVideo();
    this.#listenToWatch();
    this.#listenToControls();
    setInterval(() => this.#keepBooks(), BOOKKEEPING_MS);
    this.#curtain.show(this.#root.dataset.broadcast ? "starting" : "offline");
    this.#watch.start(this.#root.dataset.broadcast);
  }

  #listenToEngine() {
    this.#engine.addEventListener("renditions", () => this.#showQualities());
    this.#engine.addEventListener("rendition", () => this.#showQualities());
    this.#engine.addEventListener("trouble", () => this.#watch.suspect());
    this.#engine.addEventListener("lost", () => {
      this.#openedAt = -Infinity;
      this.#watch.suspect();
    });
  }

  #listenToVideo() {
    const video = this.#video;
    video.addEventListener("playing", () => this.#played());
    video.addEventListener("waiting", () => {
      // Every start waits for its first frame; that is no trouble yet.
      if (this.#progress.at > this.#openedAt) {
        this.#watch.suspect();
      }
    });
    video.addEventListener("ended", () => this.#watch.suspect());
    video.addEventListener("pause", () => this.#paused());
    video.addEventListener("play", () => this.#resumed());
    video.addEventListener("timeupdate", () => {
      if (video.currentTime !== this.#progress.time) {
        this.#progress = { time: video.currentTime, at: performance.now() };
      }
    });
  }

  #listenToWatch() {
    this.#watch.addEventListener("change", ({ detail }) => this.#follow(detail));
    this.#watch.addEventListener("again", () => {
      const now = performance.now();
      const quiet = now - Math.max(this.#progress.at, this.#openedAt);
      if (!this.#video.paused && quiet > OPEN_PATIENCE_MS) {
        this.#open();
      }
    });
    this.#heartbeat.addEventListener("answer", ({ detail }) => {
      this.#showViewers(detail.viewers);
      this.#watch.learn(detail);
    });
  }

  #listenToControls() {
    const part = (selector) => this.#root.querySelector(selector);
    this.#menu.addEventListener("choose", ({ detail }) => {
      const { paused } = this.#video;
      this.#engine.choose(detail);
      if (!paused) {
        this.#sound.play(); // to audio only and back is a new source, which begins paused
      }
      this.#preferences.write("quality", detail);
      this.#showQualities();
    });
    part("[data-go-live]").addEventListener("click", () => this.#goLive());
    part("[data-stats-item]").addEventListener("click", () => this.#toggleStats());
    part("[data-help-item]")?.addEventListener("click", () => this.#toggleHelp());
    // Full screen takes the whole section along: messages, statistics and the unmute button too.
    customElements.whenDefined("media-controller").then(() => {
      part("media-controller").fullscreenElement = this.#root;
    });
    addEventListener("pagehide", () => this.#preferences.write("bandwidth", Math.round(this.#engine.bandwidth)));
  }

  #addKeys(theatre) {
    const video = this.#video;
    const louder = (by) => {
      video.volume = Math.min(1, Math.max(0, Math.round((video.volume + by) * 20) / 20));
      video.muted = video.volume === 0;
    };
    const shortcuts = {
      play: { keys: [" ", "k"], label: "Play or pause", run: () => this.#togglePlay() },
      mute: { keys: ["m"], label: "Mute", run: () => (video.muted = !video.muted) },
      fullscreen: { keys: ["f"], label: "Full screen", run: () => this.#toggleFullscreen() },
      theatre: { keys: ["t"], label: "Theatre mode", run: () => theatre.toggle() },
      louder: { keys: ["ArrowUp"], label: "Louder", local: true, run: () => louder(0.05) },
      quieter: { keys: ["ArrowDown"], label: "Quieter", local: true, run: () => louder(-0.05) },
      back: { keys: ["ArrowLeft"], label: "Back 5 seconds", local: true, run: () => this.#seek(-5) },
      forward: { keys: ["ArrowRight"], label: "Forward 5 seconds", local: true, run: () => this.#seek(5) },
      live: { keys: ["l"], label: "Go to live", run: () => this.#goLive() },
      stats: { keys: ["s"], label: "Statistics", run: () => this.#toggleStats() },
      help: { keys: ["?"], label: "This list", run: () => this.#toggleHelp() },
    };
    listenForKeys(this.#root, shortcuts);
    describeKeys(this.#root.querySelector("[data-help-list]"), shortcuts);
  }

  #follow({ state, broadcast }) {
    this.#root.dispatchEvent(new CustomEvent("broadcastchange", { bubbles: true, detail: { state, broadcast } }));
    if (state === "offline") {
      this.#heartbeat.stop();
      this.#engine.close();
      this.#curtain.show("offline");
    } else if (state === "reconnecting") {
      this.#curtain.show("reconnecting");
    } else if (broadcast !== this.#root.dataset.broadcast || this.#openedAt === -Infinity) {
      this.#root.dataset.broadcast = broadcast;
      this.#curtain.show("starting");
      this.#open();
    } else {
      this.#engine.restoreHoldBack();
      this.#showPlaying();
    }
  }

  #open() {
    this.#openedAt = performance.now();
    this.#engine.open(`/streams/${this.#watch.broadcast}/manifest.m3u8`, {
      rendition: this.#preferences.read("quality", AUTO),
      bandwidth: Number.parseInt(this.#preferences.read("bandwidth", "0"), 10) || 0,
    });
    this.#sound.play();
  }

  #played() {
    this.#progress.at = performance.now();
    this.#watch.trust();
    this.#showPlaying();
    if (!this.#heartbeat.running) {
      this.#heartbeat.start(this.#watch.broadcast);
    }
  }

  #paused() {
    if (this.#watch.state === "offline") {
      return;
    }
    this.#engine.follow(false);
    this.#pauseTimer = setTimeout(() => {
      this.#suspended = true;
      this.#engine.suspend();
    }, LONG_PAUSE_MS);
  }

  #resumed() {
    clearTimeout(this.#pauseTimer);
    if (this.#suspended) {
      this.#suspended = false;
      this.#engine.resume();
    } else {
      this.#engine.follow(this.#engine.following || this.#behind() < CLOSE_TO_LIVE);
    }
  }

  #behind() {
    const { now, target } = this.#engine.behind;
    return now - target;
  }

  #togglePlay() {
    if (this.#video.paused) {
      this.#sound.play();
    } else {
      this.#video.pause();
    }
  }

  #goLive() {
    this.#engine.goLive();
    this.#sound.play();
  }

  #seek(by) {
    if (by > 0 && this.#behind() <= by) {
      this.#engine.goLive();
      return;
    }
    this.#engine.follow(false);
    this.#video.currentTime += by;
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else {
      // The button knows what an iPhone needs instead.
      this.#root.querySelector("media-fullscreen-button").click();
    }
  }

  #toggleStats() {
    const shown = this.#stats.toggle();
    this.#root.querySelector("[data-stats-item]").setAttribute("aria-checked", String(shown));
  }

  #toggleHelp() {
    const dialog = this.#root.querySelector("[data-help]");
    if (dialog.open) {
      dialog.close();
    } else {
      dialog.showModal();
    }
  }

  #showPlaying() {
    this.#curtain.show(this.#engine.wanted === AUDIO ? "audio" : "live");
    this.#showQualities();
  }

  #showQualities() {
    const { renditions, hasAudioOnly, wanted, rendition } = this.#engine;
    this.#menu.show(renditions, hasAudioOnly, wanted, rendition);
  }

  #showViewers(viewers) {
    if (!Number.isInteger(viewers)) {
      return;
    }
    for (const element of document.querySelectorAll("[data-viewer-count]")) {
      element.textContent = viewers.toLocaleString();
    }
    this.#root.dispatchEvent(new CustomEvent("viewerschange", { bubbles: true, detail: { viewers } }));
  }

  #keepBooks() {
    const live = this.#watch.state === "live" && this.#engine.following && this.#behind() < CLOSE_TO_LIVE;
    this.#root.querySelector("[data-go-live]").toggleAttribute("data-at-live", live);
    if (!this.#video.paused && this.#watch.state === "live") {
      const detail = { latency: this.#engine.latency };
      this.#root.dispatchEvent(new CustomEvent("playbackprogress", { bubbles: true, detail }));
    }
  }

  #report() {
    if (this.#video.paused || this.#watch.state !== "live") {
      return null;
    }
    const { rendition, latency, stalls, errors } = this.#engine;
    const told = this.#told;
    this.#told = { stalls, errors };
    return {
      viewer: this.#preferences.viewer,
      rendition,
      latency: latency === null ? null : Math.round(latency * 1000) / 1000,
      // Since the last report: what the server adds up.
      stalls: stalls - told.stalls,
      errors: errors - told.errors,
    };
  }
}
