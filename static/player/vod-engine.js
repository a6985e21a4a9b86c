import Hls from "../vendor/hls.min.mjs";
import { recordedConfig } from "./hls-config.js";
import { MseEngine } from "./mse-engine.js";
import { AUDIO, AUTO, autoStart, renditionsOf } from "./renditions.js";

/** A rendition that has nothing where one watches (GAP) is tried again after so long. */
const GAP_MS = 10_000;

/** Plays what is recorded: a VOD, or a broadcast that is on further back than live. */
export class VodEngine extends MseEngine {
  #bandwidth = 0;
  #behind = undefined;
  #gapTimer = 0;

  seeks = true;

  /**
   * @param {string} manifest the multivariant playlist
   * @param {{rendition: string, bandwidth: number, at?: number, behind?: number}} start what to play, the remembered
   *   estimate in bit/s or 0, and where: seconds from the start, or, of what is on, from its end
   */
  open(manifest, { rendition, bandwidth, at = -1, behind }) {
    this.close();
    this.manifest = new URL(manifest, location.href).href;
    this.wanted = rendition;
    this.#bandwidth = bandwidth;
    this.#behind = behind;
    this.#make(this.manifest, at);
  }

  /** Changes what plays from the next segment on. */
  choose(name) {
    const before = this.wanted;
    this.wanted = name;
    if (!this.hls || name === before) {
      return;
    }
    if (name === AUDIO || before === AUDIO) {
      // hls.js drops the audio-only variant beside video ones, so that entry plays the audio playlist by itself.
      const at = this.video.currentTime;
      this.#behind = undefined;
      this.#make(name === AUDIO ? this.audioPlaylist : this.manifest, at);
    } else if (name === AUTO) {
      this.hls.loadLevel = -1;
    } else {
      this.hls.nextLevel = this.levelOf(name);
    }
  }

  /** Seconds behind live; null for what is not on any more. */
  get latency() {
    return this.hls?.latestLevelDetails?.live ? this.hls.latency : null;
  }

  #make(url, at) {
    this.hls?.destroy();
    const hls = (this.hls = new Hls(recordedConfig(this.#behind)));
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.#start(at));
    hls.on(Hls.Events.LEVEL_SWITCHED, () => this.announce("rendition"));
    hls.on(Hls.Events.LEVELS_UPDATED, (_, { levels }) => {
      this.renditions = renditionsOf(levels); // one that this browser can't play was taken out
      this.announce("renditions");
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.details === Hls.ErrorDetails.FRAG_GAP) {
        this.#returnLater(hls);
      } else if (data.details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) {
        this.stalls += 1;
        this.announce("stall");
      } else {
        this.meet(data);
      }
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  /** hls.js has gone to a rendition that has what this one lacks; the viewer's choice is taken up again. */
  #returnLater(hls) {
    const name = this.wanted;
    clearTimeout(this.#gapTimer);
    this.#gapTimer = setTimeout(() => {
      if (this.hls === hls && this.wanted === name && name !== AUTO) {
        hls.loadLevel = this.levelOf(name);
      }
    }, GAP_MS);
  }

  #start(at) {
    const { hls } = this;
    if (hls.url === this.manifest) {
      this.renditions = renditionsOf(hls.levels);
      this.audioPlaylist = hls.allAudioTracks[0]?.url ?? "";
      if (this.wanted === AUDIO && this.audioPlaylist) {
        this.#make(this.audioPlaylist, at);
        return;
      }
      const manual = this.levelOf(this.wanted);
      if (manual === -1) {
        this.wanted = AUTO; // what was remembered is not offered here
        hls.startLevel = autoStart(this.renditions, this.#bandwidth)?.level ?? -1;
        hls.bandwidthEstimate = this.#bandwidth || hls.bandwidthEstimate;
      } else {
        hls.loadLevel = manual;
      }
      this.announce("renditions");
    }
    hls.startLoad(at);
  }
}
