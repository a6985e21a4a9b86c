import Hls from "../vendor/hls.min.mjs";
import { AUDIO, AUTO, renditionOf } from "./renditions.js";

/** A decoder that fails again this soon is not helped by a new one. */
const RECOVERY_MS = 5_000;

/**
 * What plays through MSE by hls.js, live or recorded; the kinds make `hls` and say how levels change.
 *
 * Events: `renditions` (what may be chosen changed), `rendition` (what plays changed), `trouble` (media does not come),
 * `lost` (trouble that hls.js gave up on; its detail is the HTTP status, if that is why), `stall`, `error`.
 */
export class MseEngine extends EventTarget {
  video;
  hls = null;
  manifest = "";
  audioPlaylist = "";
  /** What the viewer asked for: `auto`, `audio` or a rendition's name. */
  wanted = AUTO;
  /** What may be chosen, best first. */
  renditions = [];
  stalls = 0;
  errors = 0;
  #recoveredAt = -Infinity;

  static get supported() {
    return Hls.isSupported();
  }

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.video = video;
  }

  close() {
    this.hls?.destroy();
    this.hls = null;
    this.audioPlaylist = "";
  }

  /** What is on screen now: a rendition's name. */
  get rendition() {
    if (this.audioPlaylist && this.hls?.url === this.audioPlaylist) {
      return AUDIO;
    }
    const level = this.hls?.levels[this.hls.currentLevel] ?? this.hls?.levels[this.hls.loadLevel];
    return level ? renditionOf(level.url[0]) : "";
  }

  get hasAudioOnly() {
    return Boolean(this.audioPlaylist);
  }

  get bandwidth() {
    return this.hls?.bandwidthEstimate || 0;
  }

  /** The bit/s of what is on screen, as its playlist promises them. */
  get bitrate() {
    return this.hls?.levels[this.hls.currentLevel]?.maxBitrate ?? 0;
  }

  /** @param {string} name @returns {number} hls.js's level of a rendition, -1 if it is not offered */
  levelOf(name) {
    return this.renditions.find((rendition) => rendition.name === name)?.level ?? -1;
  }

  /** Takes an error of hls.js that is no stall. */
  meet({ details, fatal, type, response }) {
    this.errors += 1;
    this.announce("error", details);
    if (!fatal) {
      if (type === Hls.ErrorTypes.NETWORK_ERROR) {
        this.announce("trouble");
      }
    } else if (type === Hls.ErrorTypes.MEDIA_ERROR && performance.now() - this.#recoveredAt > RECOVERY_MS) {
      this.#recoveredAt = performance.now();
      this.hls.recoverMediaError();
    } else {
      this.announce("lost", response?.code);
    }
  }

  announce(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
