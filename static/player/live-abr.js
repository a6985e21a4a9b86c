import { AbrController } from "../vendor/hls.min.mjs";
import { RefusedError } from "./level-gate.js";
import { autoFamily, renditionsOf } from "./renditions.js";

/** Less buffer than this, and more to load than that: the network can't carry the level. Seconds. */
const DRY = 0.5;
const BEHIND_EDGE = 0.8;
/** A level that ran dry is left alone for so long, and twice as long each time after. */
const DRY_PENALTY_MS = 10_000;
const MOST_PENALTY_MS = 160_000;
/** A start and a switch have this long to fill the buffer. */
const CALM_MS = 3_000;
const REFUSED_PENALTY_MS = 10_000;
/** hls.js never takes a level again that erred, until it plays it; here that is forgotten after a while. */
const FORGIVE_MS = 10_000;
/**
 * What a network is credited with at most, over the best level's bitrate. Parts come in bursts, tens of megabits fast,
 * and the average of such an estimate would need many seconds to notice a network that became slow.
 */
const MOST_CREDIT = 3;

/**
 * hls.js's own adaptation, with rules on top: Auto stays in one codec family; a change waits for the gate, unless the
 * buffer runs dry, for a freeze is shorter than a stall; and an idle network is not taken for an endless one.
 *
 * hls.js makes the controller itself, so the engine finds it by `LiveAbrController.of(hls)` and gives it the gate.
 */
export class LiveAbrController extends AbrController {
  static #made = new WeakMap();

  #gate = null;
  #approved = -1;
  #avoided = new Map();
  #penalties = new Map();
  #erredAt = new Map();
  #calmUntil = Infinity;

  constructor(hls) {
    super(hls);
    LiveAbrController.#made.set(hls, this);
  }

  /** @returns {LiveAbrController} */
  static of(hls) {
    return LiveAbrController.#made.get(hls);
  }

  /** @param {import("./level-gate.js").LevelGate} gate */
  guard(gate) {
    this.#gate = gate;
  }

  /** Leaves a level alone for a while. */
  avoid(level, milliseconds) {
    this.#avoided.set(level, performance.now() + milliseconds);
  }

  /** Another level, or another place of the timeline, is on screen: what the buffer holds now says nothing yet. */
  settle() {
    this.#calmUntil = performance.now() + CALM_MS;
  }

  get nextAutoLevel() {
    this.#forgive();
    const wanted = super.nextAutoLevel;
    const current = this.hls?.loadLevel ?? -1;
    if (!this.#gate || current === -1 || this.hls.manualLevel !== -1) {
      return wanted;
    }
    if (this.#isDry()) {
      this.#punish(current);
      this.#approved = this.#allowed(wanted, current);
      this.settle();
    }
    const level = this.#allowed(wanted, current);
    if (level === this.#approved && level !== current) {
      this.#gate.cancel();
      return level; // hls.js asks more than once before it acts
    }
    if (level === current) {
      this.#approved = -1;
      this.#gate.cancel();
      return current;
    }
    if (this.#gate.target !== level) {
      this.#approved = -1;
      this.#gate.wait(
        level,
        () => (this.#approved = level),
        (error) => error instanceof RefusedError && this.avoid(level, REFUSED_PENALTY_MS),
      );
    }
    return current;
  }

  set nextAutoLevel(level) {
    super.nextAutoLevel = level;
  }

  /** hls.js's: makes the estimator that parts are told to. */
  initEstimator() {
    const estimator = super.initEstimator();
    const sample = estimator.sample.bind(estimator);
    estimator.sample = (milliseconds, bytes) => {
      const most = Math.max(...this.hls.levels.map(({ maxBitrate }) => maxBitrate)) * MOST_CREDIT;
      sample(Math.max(milliseconds, (bytes * 8_000) / most), bytes);
    };
    return estimator;
  }

  #forgive() {
    const now = performance.now();
    this.hls?.levels.forEach((level, index) => {
      if (!level.loadError && !level.fragmentError) {
        this.#erredAt.delete(index);
      } else if (now - (this.#erredAt.get(index) ?? now) > FORGIVE_MS) {
        level.loadError = level.fragmentError = 0;
      } else if (!this.#erredAt.has(index)) {
        this.#erredAt.set(index, now);
      }
    });
  }

  #isDry() {
    const { media, mainForwardBufferInfo: buffer, latestLevelDetails: details } = this.hls;
    if (!media || !buffer || !details || media.paused || media.seeking || performance.now() < this.#calmUntil) {
      return false;
    }
    return buffer.len < DRY && details.edge + details.age - buffer.end > BEHIND_EDGE;
  }

  #punish(level) {
    const penalty = this.#penalties.get(level) ?? DRY_PENALTY_MS;
    this.#penalties.set(level, Math.min(penalty * 2, MOST_PENALTY_MS));
    this.avoid(level, penalty);
  }

  /** The level wanted if it may be had, else the best one that may. */
  #allowed(wanted, current) {
    const renditions = renditionsOf(this.hls.levels);
    const family = autoFamily(renditions);
    const now = performance.now();
    const ours = renditions.filter((rendition) => rendition.family === family);
    // The smallest one has nothing below it, so it is always to be had.
    const usable = ours.filter((r) => r === ours.at(-1) || (this.#avoided.get(r.level) ?? 0) <= now);
    if (!usable.length) {
      return current;
    }
    if (usable.some(({ level }) => level === wanted)) {
      return wanted;
    }
    const most = Math.min(this.bwEstimator.getEstimate() * 0.7, this.hls.levels[current].maxBitrate);
    return (usable.find(({ bitrate }) => bitrate < most) ?? usable.at(-1)).level;
  }
}
