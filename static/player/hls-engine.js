import Hls from "../vendor/hls.min.mjs";
import { CATCH_UP_RATE, hlsConfig, JUMP_BEHIND } from "./hls-config.js";
import { LevelGate, RefusedError } from "./level-gate.js";
import { LiveAbrController } from "./live-abr.js";
import { AUDIO, AUTO, autoStart, renditionOf, renditionsOf, SOURCE } from "./renditions.js";

/** A level whose newest part is missing is left for this long. */
const GAP_PENALTY_MS = 10_000;
/** Parts come every 0.4 s, and a takeover is done in 0.7: a ladder level later than this has stopped. Seconds. */
const LATE = 0.8;
const LATE_CHECK_MS = 100;
/** So long without a stall, and what stalls added to the latency is taken back. */
const STEADY_MS = 30_000;
/** A decoder that fails again this soon is not helped by a new one: the broadcast is opened anew. */
const RECOVERY_MS = 5_000;

/**
 * Plays a broadcast through MSE by hls.js.
 *
 * Events: `renditions` (what may be chosen changed), `rendition` (what plays changed), `trouble` (the live edge can't
 * be reached), `lost` (trouble that hls.js gave up on), `stall`, `error`.
 */
export class HlsEngine extends EventTarget {
  #video;
  #hls = null;
  #gate = null;
  #manifest = "";
  #audioPlaylist = "";
  #wanted = AUTO;
  #bandwidth = 0;
  #following = true;
  #stalledAt = 0;
  #recoveredAt = -Infinity;
  #lateTimer = 0;

  /** What may be chosen, best first. */
  renditions = [];
  stalls = 0;
  errors = 0;

  static get supported() {
    return Hls.isSupported();
  }

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.#video = video;
  }

  /**
   * @param {string} manifest the multivariant playlist
   * @param {{rendition: string, bandwidth: number}} start what to play, and the remembered estimate in bit/s or 0
   */
  open(manifest, { rendition, bandwidth }) {
    this.close();
    this.#manifest = new URL(manifest, location.href).href;
    this.#wanted = rendition;
    this.#bandwidth = bandwidth;
    this.#following = true;
    this.#make(this.#manifest);
  }

  close() {
    clearInterval(this.#lateTimer);
    this.#gate?.cancel();
    this.#hls?.destroy();
    this.#hls = this.#gate = null;
    this.#audioPlaylist = "";
  }

  /** What the viewer asked for: `auto`, `audio` or a rendition's name. */
  get wanted() {
    return this.#wanted;
  }

  /** What is on screen now: a rendition's name. */
  get rendition() {
    if (this.#audioPlaylist && this.#hls?.url === this.#audioPlaylist) {
      return AUDIO;
    }
    const level = this.#hls?.levels[this.#hls.currentLevel] ?? this.#hls?.levels[this.#hls.loadLevel];
    return level ? renditionOf(level.url[0]) : "";
  }

  get hasAudioOnly() {
    return Boolean(this.#audioPlaylist);
  }

  /** Changes what plays without a break, at the next moment that allows it. */
  choose(name) {
    const before = this.#wanted;
    this.#wanted = name;
    if (!this.#hls || name === before) {
      return;
    }
    this.#gate.cancel();
    if (name === AUDIO || before === AUDIO) {
      // hls.js drops the audio-only variant beside video ones, so that entry plays the audio playlist by itself.
      this.#make(name === AUDIO ? this.#audioPlaylist : this.#manifest);
    } else if (name === AUTO) {
      this.#hls.loadLevel = -1; // nextLevel would throw away what is buffered
    } else {
      this.#moveTo(this.#levelOf(name));
    }
  }

  /** Jumps to live and stays there. */
  goLive() {
    const position = this.#hls?.liveSyncPosition;
    this.follow(true);
    if (position) {
      this.#video.currentTime = position;
    }
  }

  /** Whether to keep up with live; a viewer who pauses or goes back does not want to be pulled forward. */
  follow(on) {
    this.#following = on;
    if (this.#hls) {
      this.#hls.config.liveMaxLatencyDuration = on ? JUMP_BEHIND : Infinity;
      this.#hls.config.maxLiveSyncPlaybackRate = on ? CATCH_UP_RATE : 1;
    }
  }

  get following() {
    return this.#following;
  }

  /** Stops the network of a long pause; `resume` starts it at live. */
  suspend() {
    this.#hls?.stopLoad();
  }

  resume() {
    this.#hls?.startLoad(-1);
    this.goLive();
  }

  /**
   * Seconds from a picture's arrival at the server to its being shown, or null before anything played. Counted from
   * the newest part, not by PROGRAM-DATE-TIME: a viewer's clock may be wrong by more than the latency.
   */
  get latency() {
    return this.#hls?.latency || null;
  }

  /** Seconds behind live, and how far behind is intended. */
  get behind() {
    return { now: this.#hls?.latency ?? 0, target: this.#hls?.targetLatency ?? 0 };
  }

  get bandwidth() {
    return this.#hls?.bandwidthEstimate || 0;
  }

  /** The bit/s of what is on screen, as its playlist promises them. */
  get bitrate() {
    return this.#hls?.levels[this.#hls.currentLevel]?.maxBitrate ?? 0;
  }

  #make(url) {
    clearInterval(this.#lateTimer);
    this.#gate?.cancel();
    this.#hls?.destroy();
    const hls = (this.#hls = new Hls(hlsConfig(LiveAbrController)));
    this.#lateTimer = setInterval(() => this.#leaveLateLevel(), LATE_CHECK_MS);
    this.#gate = new LevelGate(hls);
    LiveAbrController.of(hls).guard(this.#gate);
    this.follow(this.#following);
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#start());
    hls.on(Hls.Events.LEVEL_SWITCHED, () => {
      LiveAbrController.of(hls).settle();
      this.#announce("rendition");
    });
    hls.on(Hls.Events.LEVELS_UPDATED, (_, { levels }) => {
      this.renditions = renditionsOf(levels); // one that this browser can't play was taken out
      this.#announce("renditions");
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, data) => this.#meetGap(data));
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#forgiveStalls());
    hls.on(Hls.Events.ERROR, (_, data) => this.#meet(data));
    hls.loadSource(url);
    hls.attachMedia(this.#video);
  }

  #start() {
    const hls = this.#hls;
    if (hls.url === this.#manifest) {
      this.renditions = renditionsOf(hls.levels);
      this.#audioPlaylist = hls.allAudioTracks[0]?.url ?? "";
      if (this.#wanted === AUDIO && this.#audioPlaylist) {
        this.#make(this.#audioPlaylist);
        return;
      }
      const auto = autoStart(this.renditions, this.#bandwidth);
      const manual = this.#levelOf(this.#wanted);
      if (manual === -1) {
        this.#wanted = AUTO; // what was remembered is not offered here
      }
      hls.startLevel = manual === -1 ? auto.level : manual;
      if (manual !== -1) {
        hls.loadLevel = manual;
      }
      // Until parts were measured, what is known to start is taken for affordable.
      hls.bandwidthEstimate = Math.max(this.#bandwidth, auto.bitrate * 1.5);
      this.#announce("renditions");
    }
    hls.startLoad(-1);
  }

  #levelOf(name) {
    return this.renditions.find((rendition) => rendition.name === name)?.level ?? -1;
  }

  #moveTo(level) {
    if (level === -1 || level === this.#hls.loadLevel) {
      this.#hls.loadLevel = level;
      return;
    }
    const hls = this.#hls;
    hls.loadLevel = hls.loadLevel; // takes Auto's hand off the wheel while the gate is waited for
    this.#gate.wait(
      level,
      () => (hls.loadLevel = level),
      (error) => {
        this.errors += 1;
        this.#announce("error", error.message);
        if (!(error instanceof RefusedError)) {
          hls.loadLevel = level; // the viewer asked for it: better with a freeze than never
        }
      },
    );
  }

  #meetGap({ details, level }) {
    const ahead = ({ end, gap }) => gap && end > this.#video.currentTime;
    if (level === this.#hls.loadLevel && (details.partList?.some(ahead) || details.fragments.some(ahead))) {
      this.#leave(level);
    }
  }

  /** A worker that died says nothing, and its gap is announced only when nobody can fill it any more. */
  #leaveLateLevel() {
    const { loadLevel, levels, latestLevelDetails: details } = this.#hls;
    const playing = levels[loadLevel];
    if (
      playing?.details === details &&
      details?.live &&
      details.age > LATE &&
      renditionOf(playing.url[0]) !== SOURCE &&
      !this.#video.paused
    ) {
      this.#leave(loadLevel);
    }
  }

  /** Goes to a level that has what this one lacks. The viewer's choice is taken up again when it is whole. */
  #leave(level) {
    const hls = this.#hls;
    if (hls.url !== this.#manifest) {
      return;
    }
    const family = this.renditions.find((rendition) => rendition.level === level)?.family;
    const other = this.renditions.find((rendition) => rendition.level !== level && rendition.family === family);
    if (!other) {
      return;
    }
    const abr = LiveAbrController.of(hls);
    abr.avoid(level, GAP_PENALTY_MS);
    abr.settle();
    this.#gate.cancel();
    if (this.#wanted === AUTO) {
      hls.nextLoadLevel = other.level;
      return;
    }
    hls.loadLevel = other.level;
    const name = this.#wanted;
    setTimeout(() => this.#hls === hls && this.#wanted === name && this.#moveTo(this.#levelOf(name)), GAP_PENALTY_MS);
  }

  #forgiveStalls() {
    if (!this.#stalledAt || performance.now() - this.#stalledAt < STEADY_MS) {
      return;
    }
    this.#stalledAt = 0;
    this.restoreHoldBack();
  }

  /** Stalls added to the latency; what the playlist asks for is intended again. */
  restoreHoldBack() {
    const holdBack = this.#hls?.latestLevelDetails?.partHoldBack;
    if (holdBack) {
      this.#hls.targetLatency = holdBack;
    }
  }

  #meet({ details, fatal, type }) {
    if (details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) {
      this.stalls += 1;
      this.#stalledAt = performance.now();
      this.#announce("stall");
      this.#announce("trouble");
      return;
    }
    this.errors += 1;
    this.#announce("error", details);
    if (!fatal) {
      if (type === Hls.ErrorTypes.NETWORK_ERROR) {
        this.#announce("trouble");
      }
    } else if (type === Hls.ErrorTypes.MEDIA_ERROR && performance.now() - this.#recoveredAt > RECOVERY_MS) {
      this.#recoveredAt = performance.now();
      this.#hls.recoverMediaError();
    } else {
      this.#announce("lost");
    }
  }

  #announce(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
