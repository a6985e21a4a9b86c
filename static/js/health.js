// The stream's health (templates/streaming/_health.html): asked for every 2 s while the page is seen.

import { Trace } from "./trace.js";

const EVERY_MS = 2_000;
const seconds = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const rate = (bits) => `${whole.format(bits / 1000)} kbit/s`;

/** Fills the panel. `onreport(report)` is given each answer, `also` has sentences of the page's own to warn with. */
export class HealthPanel {
  constructor(panel) {
    this.panel = panel;
    this.trace = new Trace(this.#part("trace"));
    this.onreport = () => {};
    this.also = [];
    // what fails now is asked again in two seconds
    const ask = () => this.#ask().catch(() => {});
    setInterval(ask, EVERY_MS);
    // when the page's own script has run
    queueMicrotask(ask);
  }

  #part(name) {
    return this.panel.querySelector(`[data-${name}]`);
  }

  async #ask() {
    if (document.hidden) {
      return;
    }
    const response = await fetch(this.panel.dataset.healthUrl, { headers: { Accept: "application/json" } });
    if (response.ok) {
      const report = await response.json();
      this.onreport(report);
      this.#show(report);
    }
  }

  #show({ state, started_at, viewers, renditions, health: reported, playback }) {
    const uptime = this.#part("uptime");
    // the last report of an encoder that has gone is there for some seconds more
    const health = state === "live" ? reported : null;
    this.#part("health").hidden = !health;
    this.#part("no-health").hidden = Boolean(health);
    this.#part("uptime-line").hidden = state === "offline";
    if (state === "offline") {
      uptime.removeAttribute("datetime");
      this.trace.clear();
      return;
    }
    uptime.dateTime = started_at;
    this.#figure("viewers", whole.format(viewers));
    this.#figure("renditions", byQuality(renditions));
    this.#figure("latency", playback ? `${seconds.format(playback.latency_ms / 1000)} s` : "–");
    if (health) {
      this.#showHealth(health);
    }
  }

  #showHealth(health) {
    const { width, height, video_codec, audio_codec } = health;
    const size = height ? `${width}×${height} ` : "";
    this.#figure("video", video_codec ? `${size}${video_codec.toUpperCase()}` : "none");
    this.#figure("audio", audio_codec ? `${audio_codec.toUpperCase()} ${rate(health.audio_bitrate)}` : "none");
    this.#figure("bitrate", rate(health.video_bitrate + health.audio_bitrate));
    this.#figure("frame_rate", health.frame_rate ? `${seconds.format(health.frame_rate)} fps` : "–");
    this.#figure("keyframe_interval", health.keyframe_interval ? `${seconds.format(health.keyframe_interval)} s` : "–");
    this.#figure("dropped_timestamps", whole.format(health.dropped_timestamps));
    this.trace.add(health.video_bitrate + health.audio_bitrate);
    this.#warn([...this.also, ...health.warnings]);
  }

  #figure(name, text) {
    say(this.panel.querySelector(`[data-figure="${name}"]`), text);
  }

  #warn(sentences) {
    const list = this.#part("warnings");
    const lines = sentences.length ? sentences : ["Everything arrives as it should."];
    if ([...list.children].map((item) => item.textContent).join("\n") === lines.join("\n")) {
      return; // a screen reader says a status again whenever it is written
    }
    list.replaceChildren(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        item.classList.toggle("is-well", sentences.length === 0);
        return item;
      }),
    );
  }
}

/** Writes what differs. */
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function byQuality(renditions) {
  const names = { source: "Source", audio: "Audio only" };
  const watched = renditions.filter(({ viewers }) => viewers > 0);
  return watched.map(({ name, viewers }) => `${names[name] ?? name}: ${whole.format(viewers)}`).join(" · ") || "–";
}
