import { BroadcastWatch } from "./broadcast-watch.js";
import { Heartbeat } from "./heartbeat.js";
import { LiveEngine } from "./live-engine.js";
import { NativeEngine } from "./native-engine.js";
import { AUDIO } from "./renditions.js";
import { Rewind } from "./rewind.js";
import { Stage } from "./stage.js";
import { VodEngine } from "./vod-engine.js";

/** A viewer this close to live when playback goes on is pulled back to it. Seconds. */
const CLOSE_TO_LIVE = 3;
/** A pause this long stops loading; playing on starts at live. */
const LONG_PAUSE_MS = 60_000;
/** The engine gets this long to show a picture before it is opened again. */
const OPEN_PATIENCE_MS = 4_000;
const BOOKKEEPING_MS = 1_000;

/** The player of a channel: what is on, whenever something is. */
export class LivePlayer {
  #stage;
  #video;
  #engine = null;
  /** Going back to the start, where the channel allows it. */
  #rewind = null;
  #watch;
  #heartbeat;
  #pauseTimer = 0;
  #suspended = false;
  #pausedAt = 0;
  #openedAt = -Infinity;
  #progress = { time: 0, at: 0 };
  #told = { stalls: 0, errors: 0 };

  /** @param {HTMLElement} root the section with data-player */
  constructor(root) {
    this.#stage = new Stage(root);
    this.#video = this.#stage.video;
    this.#watch = new BroadcastWatch(root.dataset.liveUrl);
    // A streamer who looks at the preview is no viewer.
    this.#heartbeat = new Heartbeat(() => (this.#stage.compact ? null : this.#report()));
    this.#stage.addKeys({
      back: { keys: ["ArrowLeft"], label: "Back 5 seconds", local: true, run: () => this.#seek(-5) },
      farBack: { keys: ["j"], label: "Back 10 seconds", run: () => this.#seek(-10) },
      forward: { keys: ["ArrowRight"], label: "Forward 5 seconds", local: true, run: () => this.#seek(5) },
      live: { keys: ["l"], label: "Go to live", run: () => this.#goLive() },
    });
  }

  start() {
    const { dataset } = this.#stage.root;
    if (LiveEngine.supported) {
      this.#engine = new LiveEngine(this.#video);
    } else if (NativeEngine.supportedBy(this.#video)) {
      this.#engine = new NativeEngine(this.#video);
    } else {
      this.#stage.curtain.show("unsupported");
      return;
    }
    this.#stage.listenTo(this.#engine);
    this.#stage.use(this.#engine);
    const bar = this.#stage.part("[data-rewind]");
    if (bar) {
      const recorded = LiveEngine.supported ? new VodEngine(this.#video) : new NativeEngine(this.#video);
      this.#rewind = new Rewind(recorded, bar, () => this.#behindLive());
      this.#listenToRewind();
    }
    this.#listenToEngine();
    this.#listenToVideo();
    this.#listenToWatch();
    this.#stage.part("[data-go-live]").addEventListener("click", () => this.#goLive());
    setInterval(() => this.#keepBooks(), BOOKKEEPING_MS);
    this.#stage.curtain.show(dataset.broadcast ? "starting" : "offline");
    this.#watch.start(dataset.broadcast);
  }

  #listenToEngine() {
    this.#engine.addEventListener("trouble", () => this.#watch.suspect());
    this.#engine.addEventListener("lost", () => {
      this.#openedAt = -Infinity;
      this.#watch.suspect();
    });
  }

  #listenToRewind() {
    this.#stage.listenTo(this.#rewind.engine);
    this.#rewind.addEventListener("rewind", ({ detail }) => this.#goBack(detail));
    this.#rewind.addEventListener("live", () => this.#goLive());
    // The channel forbids it by now, or it is over.
    this.#rewind.engine.addEventListener("lost", () => this.#rewind.on && this.#goLive());
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
    video.addEventListener("ended", () => {
      if (this.#rewind?.on) {
        this.#rewind.close();
        this.#stage.use(this.#engine);
      }
      if (this.#watch.state === "offline") {
        this.#stage.curtain.show("offline");
      }
      this.#watch.suspect();
    });
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
    document.addEventListener("streamchange", ({ detail }) => this.#watch.told(detail));
    this.#watch.addEventListener("again", () => {
      const now = performance.now();
      const quiet = now - Math.max(this.#progress.at, this.#openedAt);
      if (!this.#video.paused && quiet > OPEN_PATIENCE_MS && !this.#rewind?.on) {
        this.#open();
      }
    });
    this.#heartbeat.addEventListener("answer", ({ detail }) => {
      this.#showViewers(detail.viewers);
      this.#watch.learn(detail);
    });
  }

  #follow({ state, broadcast }) {
    const { root } = this.#stage;
    this.#stage.tell("broadcastchange", { state, broadcast });
    if (state === "offline") {
      this.#heartbeat.stop();
      this.#engine.close();
      // Who went back sees the rest.
      if (!this.#rewind?.on) {
        this.#stage.curtain.show("offline");
      }
    } else if (state === "reconnecting") {
      // Who went back is not held up.
      if (!this.#rewind?.on) {
        this.#stage.curtain.show("reconnecting");
      }
    } else if (broadcast !== root.dataset.broadcast || this.#openedAt === -Infinity) {
      root.dataset.broadcast = broadcast;
      this.#stage.curtain.show("starting");
      this.#open();
    } else {
      this.#engine.restoreHoldBack();
      this.#showPlaying();
    }
  }

  #open() {
    this.#openedAt = performance.now();
    this.#rewind?.close();
    this.#rewind?.follow(this.#watch.broadcast);
    this.#stage.use(this.#engine);
    this.#engine.open(`/streams/${this.#watch.broadcast}/manifest.m3u8`, this.#stage.choice);
    this.#stage.sound.play();
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
    if (this.#watch.state === "offline" || this.#rewind?.on) {
      return;
    }
    this.#engine.follow(false);
    this.#pausedAt = performance.now();
    const behind = this.#behindLive();
    this.#pauseTimer = setTimeout(() => {
      this.#suspended = true;
      this.#pausedAt -= behind * 1000;
      this.#engine.suspend();
    }, LONG_PAUSE_MS);
  }

  #resumed() {
    clearTimeout(this.#pauseTimer);
    if (this.#rewind?.on) {
      return;
    }
    if (this.#suspended && this.#rewind) {
      this.#goBack((performance.now() - this.#pausedAt) / 1000);
    } else if (this.#suspended) {
      this.#suspended = false;
      this.#engine.resume();
    } else {
      this.#engine.follow(this.#engine.following || this.#behind() < CLOSE_TO_LIVE);
    }
  }

  /** Seconds behind where live is to be. */
  #behind() {
    const { now, target } = this.#engine.behind;
    return now - target;
  }

  /** Seconds behind live, whichever engine plays. */
  #behindLive() {
    return (this.#rewind?.on ? this.#rewind.engine.latency : this.#engine.behind.now) ?? 0;
  }

  #goLive() {
    if (this.#rewind?.on) {
      this.#open();
      return;
    }
    this.#engine.goLive();
    this.#stage.sound.play();
  }

  /** Plays from so many seconds behind live, as far back as the broadcast's start. */
  #goBack(behind) {
    this.#suspended = false;
    clearTimeout(this.#pauseTimer);
    if (!this.#rewind.on) {
      this.#engine.close();
      this.#stage.use(this.#rewind.engine);
    }
    this.#rewind.to(this.#watch.broadcast, behind, this.#stage.choice);
    this.#stage.sound.play();
  }

  #seek(by) {
    const behind = this.#behindLive() - by;
    if (by > 0 && (this.#rewind?.on ? behind < CLOSE_TO_LIVE : this.#behind() <= by)) {
      this.#goLive();
    } else if (this.#rewind?.on || (this.#rewind && !this.#holds(this.#video.currentTime + by))) {
      this.#goBack(behind);
    } else {
      this.#engine.follow(false);
      this.#video.currentTime += by;
    }
  }

  /** Whether a moment of the live playlist is still in the buffer. */
  #holds(time) {
    const { buffered } = this.#video;
    return Array.from({ length: buffered.length }, (_, i) => i).some(
      (i) => buffered.start(i) <= time && time <= buffered.end(i),
    );
  }

  #showPlaying() {
    this.#stage.curtain.show(this.#stage.engine.wanted === AUDIO ? "audio" : "live");
    this.#stage.showQualities();
  }

  #showViewers(viewers) {
    if (!Number.isInteger(viewers)) {
      return;
    }
    for (const element of document.querySelectorAll("[data-viewer-count]")) {
      element.textContent = viewers.toLocaleString();
    }
    this.#stage.tell("viewerschange", { viewers });
  }

  #keepBooks() {
    const live =
      this.#watch.state === "live" &&
      !this.#rewind?.on &&
      this.#engine.following &&
      this.#behind() < CLOSE_TO_LIVE;
    this.#stage.part("[data-go-live]").toggleAttribute("data-at-live", live);
    if (!this.#video.paused && this.#watch.state === "live") {
      this.#stage.tell("playbackprogress", { latency: this.#stage.engine.latency });
    }
  }

  #report() {
    if (this.#video.paused || this.#watch.state !== "live") {
      return null;
    }
    const { rendition, stalls, errors } = this.#engine;
    // How far behind one went of one's own will says nothing about how it plays.
    const latency = this.#rewind?.on ? null : this.#engine.latency;
    const told = this.#told;
    this.#told = { stalls, errors };
    return {
      viewer: this.#stage.preferences.viewer,
      rendition: this.#rewind?.on ? this.#rewind.engine.rendition : rendition,
      latency: latency === null ? null : Math.round(latency * 1000) / 1000,
      // Since the last report: what the server adds up.
      stalls: stalls - told.stalls,
      errors: errors - told.errors,
    };
  }
}
