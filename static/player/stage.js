import { Curtain } from "./curtain.js";
import { ForgetfulPreferences, Preferences } from "./preferences.js";
import { QualityMenu } from "./quality-menu.js";
import { AUTO } from "./renditions.js";
import { describeKeys, listenForKeys } from "./shortcuts.js";
import { Sound } from "./sound.js";
import { StatsOverlay } from "./stats-overlay.js";
import { Theatre } from "./theatre.js";

/** What is around every player's picture: sound, quality, statistics, keys, full screen. `_stage.html` is its markup. */
export class Stage {
  root;
  video;
  compact;
  preferences;
  curtain;
  sound;
  engine = null;
  #menu;
  #stats;

  /** @param {HTMLElement} root the section with data-player */
  constructor(root) {
    this.root = root;
    this.compact = "compact" in root.dataset;
    this.video = this.part("video");
    this.preferences = this.compact ? new ForgetfulPreferences() : new Preferences();
    this.curtain = new Curtain(root);
    this.sound = new Sound(this.video, this.preferences, this.part("[data-unmute]"));
    this.#menu = new QualityMenu(this.part("[data-qualities]"));
    this.#stats = new StatsOverlay(this.part("[data-stats]"), this.video, () => this.engine);
    this.#menu.addEventListener("choose", ({ detail }) => this.#choose(detail));
    this.part("[data-stats-item]").addEventListener("click", () => this.#toggleStats());
    this.part("[data-help-item]")?.addEventListener("click", () => this.#toggleHelp());
    // Full screen takes the whole section along: messages, statistics and the unmute button too.
    customElements.whenDefined("media-controller").then(() => {
      this.part("media-controller").fullscreenElement = root;
    });
    addEventListener("pagehide", () => {
      if (this.engine?.bandwidth) {
        this.preferences.write("bandwidth", Math.round(this.engine.bandwidth));
      }
    });
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  /** An engine that plays now or later: the menu shows its renditions while it does. */
  listenTo(engine) {
    for (const event of ["renditions", "rendition"]) {
      engine.addEventListener(event, () => engine === this.engine && this.showQualities());
    }
  }

  /** This engine plays from now on. */
  use(engine) {
    this.engine = engine;
    this.showQualities();
  }

  /** What an engine is opened with: what this browser's viewer chose, and what its network could carry. */
  get choice() {
    return {
      rendition: this.preferences.read("quality", AUTO),
      bandwidth: Number.parseInt(this.preferences.read("bandwidth", "0"), 10) || 0,
    };
  }

  /**
   * Listens for every player's keys and a kind's own, and lists them. A preview has none.
   * @param {Parameters<typeof listenForKeys>[1]} own
   */
  addKeys(own) {
    if (this.compact) {
      return;
    }
    const { video } = this;
    const theatre = new Theatre(this.part("[data-theatre-button]"), this.preferences);
    const louder = (by) => {
      video.volume = Math.min(1, Math.max(0, Math.round((video.volume + by) * 20) / 20));
      video.muted = video.volume === 0;
    };
    const shortcuts = {
      play: { keys: [" ", "k"], label: "Play or pause", run: () => this.togglePlay() },
      mute: { keys: ["m"], label: "Mute", run: () => (video.muted = !video.muted) },
      fullscreen: { keys: ["f"], label: "Full screen", run: () => this.#toggleFullscreen() },
      theatre: { keys: ["t"], label: "Theatre mode", run: () => theatre.toggle() },
      louder: { keys: ["ArrowUp"], label: "Louder", local: true, run: () => louder(0.05) },
      quieter: { keys: ["ArrowDown"], label: "Quieter", local: true, run: () => louder(-0.05) },
      ...own,
      stats: { keys: ["s"], label: "Statistics", run: () => this.#toggleStats() },
      help: { keys: ["?"], label: "This list", run: () => this.#toggleHelp() },
    };
    listenForKeys(this.root, shortcuts);
    describeKeys(this.part("[data-help-list]"), shortcuts);
  }

  togglePlay() {
    if (this.video.paused) {
      this.sound.play();
    } else {
      this.video.pause();
    }
  }

  showQualities() {
    const { renditions, hasAudioOnly, wanted, rendition } = this.engine;
    this.#menu.show(renditions, hasAudioOnly, wanted, rendition);
  }

  /** Tells the page. */
  tell(type, detail) {
    this.root.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }

  #choose(name) {
    const { paused } = this.video;
    this.engine.choose(name);
    if (!paused) {
      this.sound.play(); // to audio only and back is a new source, which begins paused
    }
    this.preferences.write("quality", name);
    this.showQualities();
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else {
      // The button knows what an iPhone needs instead.
      this.part("media-fullscreen-button").click();
    }
  }

  #toggleStats() {
    const shown = this.#stats.toggle();
    this.part("[data-stats-item]").setAttribute("aria-checked", String(shown));
  }

  #toggleHelp() {
    const dialog = this.part("[data-help]");
    if (dialog.open) {
      dialog.close();
    } else {
      dialog.showModal();
    }
  }
}
