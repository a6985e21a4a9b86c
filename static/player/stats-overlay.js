const EVERY_MS = 500;

function seconds(value) {
  return value === null ? "–" : `${value.toFixed(2)} s`;
}

/** Numbers about playback over the picture, while shown. */
export class StatsOverlay {
  #list;
  #video;
  #engine;
  #timer = 0;
  #frames = { at: 0, total: 0, rate: 0 };

  /** @param {HTMLElement} list a `dl` @param {HTMLVideoElement} video @param {() => object} engine the one that plays */
  constructor(list, video, engine) {
    this.#list = list;
    this.#video = video;
    this.#engine = engine;
  }

  get shown() {
    return !this.#list.hidden;
  }

  toggle(on = !this.shown) {
    this.#list.hidden = !on;
    clearInterval(this.#timer);
    if (on) {
      this.#timer = setInterval(() => this.#update(), EVERY_MS);
      this.#update();
    }
    return on;
  }

  #update() {
    const engine = this.#engine();
    const { videoWidth, videoHeight } = this.#video;
    const quality = this.#video.getVideoPlaybackQuality?.() ?? { totalVideoFrames: 0, droppedVideoFrames: 0 };
    const rate = this.#frameRate(quality.totalVideoFrames);
    this.#write({
      "latency": ["Latency", seconds(engine.latency)],
      "buffer": ["Buffer", seconds(this.#buffer())],
      "rendition": ["Rendition", `${engine.rendition || "–"}${engine.wanted === "auto" ? " (auto)" : ""}`],
      "resolution": ["Resolution", videoWidth ? `${videoWidth}×${videoHeight}` : "–"],
      "fps": ["Frames per second", rate ? rate.toFixed(1) : "–"],
      "dropped": ["Dropped frames", `${quality.droppedVideoFrames} of ${quality.totalVideoFrames}`],
      "bitrate": ["Bitrate", engine.bitrate ? `${Math.round(engine.bitrate / 1000)} kbit/s` : "–"],
      "bandwidth": ["Bandwidth", engine.bandwidth ? `${(engine.bandwidth / 1e6).toFixed(1)} Mbit/s` : "–"],
      "speed": ["Playback speed", `${this.#video.playbackRate.toFixed(2)}×`],
      "stalls": ["Stalls", `${engine.stalls}`],
    });
  }

  #buffer() {
    const { buffered, currentTime } = this.#video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  #frameRate(total) {
    const now = performance.now();
    const { at, total: before } = this.#frames;
    if (now - at > 2_000 || total < before) {
      this.#frames = { at: now, total, rate: at && total >= before ? ((total - before) * 1000) / (now - at) : 0 };
    }
    return this.#frames.rate;
  }

  #write(rows) {
    for (const [name, [label, value]] of Object.entries(rows)) {
      let cell = this.#list.querySelector(`[data-stat="${name}"]`);
      if (!cell) {
        const term = document.createElement("dt");
        term.textContent = label;
        cell = document.createElement("dd");
        cell.dataset.stat = name;
        this.#list.append(term, cell);
      }
      if (cell.textContent !== value) {
        cell.textContent = value;
      }
    }
  }
}
