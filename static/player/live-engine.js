import Hls from "../vendor/hls.min.mjs";
import { CATCH_UP_RATE, liveConfig, JUMP_BEHIND } from "./hls-config.js";
import { LevelGate, RefusedError } from "./level-gate.js";
import { LiveAbrController } from "./live-abr.js";
import { MseEngine } from "./mse-engine.js";
import { AUDIO, AUTO, autoStart, renditionOf, renditionsOf, SOURCE } from "./renditions.js";

/** A level whose newest part is missing is left for this long. */
const GAP_PENALTY_MS = 10_000;
/** Parts come every 0.4 s, and a takeover is done in 0.7: a ladder level later than this has stopped. Seconds. */
const LATE = 0.8;
const LATE_CHECK_MS = 100;
/** So long without a stall, and what stalls added to the latency is taken back. */
const STEADY_MS = 30_000;

/** Plays a broadcast at its live edge. */
export class LiveEngine extends MseEngine {
  #gate = null;
  #bandwidth = 0;
  #following = true;
  #stalledAt = 0;
  #lateTimer = 0;

  /**
   * @param {string} manifest the multivariant playlist
   * @param {{rendition: string, bandwidth: number}} start what to play, and the remembered estimate in bit/s or 0
   */
  open(manifest, { rendition, bandwidth }) {
    this.close();
    this.manifest = new URL(manifest, location.href).href;
    this.wanted = rendition;
    this.#bandwidth = bandwidth;
    this.#following = true;
    this.#make(this.manifest);
  }

  close() {
    clearInterval(this.#lateTimer);
    this.#gate?.cancel();
    this.#gate = null;
    super.close();
  }

  /** Changes what plays without a break, at the next moment that allows it. */
  choose(name) {
    const before = this.wanted;
    this.wanted = name;
    if (!this.hls || name === before) {
      return;
    }
    this.#gate.cancel();
    if (name === AUDIO || before === AUDIO) {
      // hls.js drops the audio-only variant beside video ones, so that entry plays the audio playlist by itself.
      this.#make(name === AUDIO ? this.audioPlaylist : this.manifest);
    } else if (name === AUTO) {
      this.hls.loadLevel = -1; // nextLevel would throw away what is buffered
    } else {
      this.#moveTo(this.levelOf(name));
    }
  }

  /** Jumps to live and stays there. */
  goLive() {
    const position = this.hls?.liveSyncPosition;
    this.follow(true);
    if (position) {
      this.video.currentTime = position;
    }
  }

  /** Whether to keep up with live; a viewer who pauses or goes back does not want to be pulled forward. */
  follow(on) {
    this.#following = on;
    if (this.hls) {
      this.hls.config.liveMaxLatencyDuration = on ? JUMP_BEHIND : Infinity;
      this.hls.config.maxLiveSyncPlaybackRate = on ? CATCH_UP_RATE : 1;
    }
  }

  get following() {
    return this.#following;
  }

  /** Stops the network of a long pause; `resume` starts it at live. */
  suspend() {
    this.hls?.stopLoad();
  }

  resume() {
    this.hls?.startLoad(-1);
    this.goLive();
  }

  /**
   * Seconds from a picture's arrival at the server to its being shown, or null before anything played. Counted from
   * the newest part, not by PROGRAM-DATE-TIME: a viewer's clock may be wrong by more than the latency.
   */
  get latency() {
    return this.hls?.latency || null;
  }

  /** Seconds behind live, and how far behind is intended. */
  get behind() {
    return { now: this.hls?.latency ?? 0, target: this.hls?.targetLatency ?? 0 };
  }

  #make(url) {
    clearInterval(this.#lateTimer);
    this.#gate?.cancel();
    this.hls?.destroy();
    const hls = (this.hls = new Hls(liveConfig(LiveAbrController)));
    this.#lateTimer = setInterval(() => this.#leaveLateLevel(), LATE_CHECK_MS);
    this.#gate = new LevelGate(hls);
    LiveAbrController.of(hls).guard(this.#gate);
    this.follow(this.#following);
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#start());
    hls.on(Hls.Events.LEVEL_SWITCHED, () => {
      LiveAbrController.of(hls).settle();
      this.announce("rendition");
    });
    hls.on(Hls.Events.LEVELS_UPDATED, (_, { levels }) => {
      this.renditions = renditionsOf(levels); // one that this browser can't play was taken out
      this.announce("renditions");
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, data) => this.#meetGap(data));
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#forgiveStalls());
    hls.on(Hls.Events.ERROR, (_, data) => this.#meetError(data));
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  #start() {
    const hls = this.hls;
    if (hls.url === this.manifest) {
      this.renditions = renditionsOf(hls.levels);
      this.audioPlaylist = hls.allAudioTracks[0]?.url ?? "";
      if (this.wanted === AUDIO && this.audioPlaylist) {
        this.#make(this.audioPlaylist);
        return;
      }
      const auto = autoStart(this.renditions, this.#bandwidth);
      const manual = this.levelOf(this.wanted);
      if (manual === -1) {
        this.wanted = AUTO; // what was remembered is not offered here
      }
      hls.startLevel = manual === -1 ? auto.level : manual;
      if (manual !== -1) {
        hls.loadLevel = manual;
      }
      // Until parts were measured, what is known to start is taken for affordable.
      hls.bandwidthEstimate = Math.max(this.#bandwidth, auto.bitrate * 1.5);
      this.announce("renditions");
    }
    hls.startLoad(-1);
  }

  #moveTo(level) {
    if (level === -1 || level === this.hls.loadLevel) {
      this.hls.loadLevel = level;
      return;
    }
    const hls = this.hls;
    hls.loadLevel = hls.loadLevel; // takes Auto's hand off the wheel while the gate is waited for
    this.#gate.wait(
      level,
      () => (hls.loadLevel = level),
      (error) => {
        this.errors += 1;
        this.announce("error", error.message);
        if (!(error instanceof RefusedError)) {
          hls.loadLevel = level; // the viewer asked for it: better with a freeze than never
        }
      },
    );
  }

  #meetGap({ details, level }) {
    const ahead = ({ end, gap }) => gap && end > this.video.currentTime;
    if (level === this.hls.loadLevel && (details.partList?.some(ahead) || details.fragments.some(ahead))) {
      this.#leave(level);
    }
  }

  /** A worker that died says nothing, and its gap is announced only when nobody can fill it any more. */
  #leaveLateLevel() {
    const { loadLevel, levels, latestLevelDetails: details } = this.hls;
    const playing = levels[loadLevel];
    if (
      playing?.details === details &&
      details?.live &&
      details.age > LATE &&
      renditionOf(playing.url[0]) !== SOURCE &&
      !this.video.paused
    ) {
      this.#leave(loadLevel);
    }
  }

  /** Goes to a level that has what this one lacks. The viewer's choice is taken up again when it is whole. */
  #leave(level) {
    const hls = this.hls;
    if (hls.url !== this.manifest) {
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
    if (this.wanted === AUTO) {
      hls.nextLoadLevel = other.level;
      return;
    }
    hls.loadLevel = other.level;
    const name = this.wanted;
    setTimeout(() => this.hls === hls && this.wanted === name && this.#moveTo(this.levelOf(name)), GAP_PENALTY_MS);
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
    const holdBack = this.hls?.latestLevelDetails?.partHoldBack;
    if (holdBack) {
      this.hls.targetLatency = holdBack;
    }
  }

  #meetError(data) {
    if (data.details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) {
      this.stalls += 1;
      this.#stalledAt = performance.now();
      this.announce("stall");
      this.announce("trouble");
    } else {
      this.meet(data);
    }
  }
}
