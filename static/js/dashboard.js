// The dashboard's health panel: asks every 2 s while the page is seen.

import { Trace } from "./trace.js";

const EVERY_MS = 2_000;
const BADGES = {
  live: ["LIVE", "badge--live"],
  reconnecting: ["Reconnecting", "badge--waiting"],
  offline: ["Offline", "badge--off"],
};

const page = document.querySelector("[data-dashboard]");
const badge = page.querySelector("[data-state]");
const uptimeLine = page.querySelector("[data-uptime-line]");
const uptime = uptimeLine.querySelector("time");
const panel = page.querySelector("[data-health]");
const lead = page.querySelector("[data-no-health]");
const warnings = page.querySelector("[data-warnings]");
const trace = new Trace(page.querySelector("[data-trace]"));
const seconds = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const rate = (bits) => `${whole.format(bits / 1000)} kbit/s`;

function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function figure(name, text) {
  say(page.querySelector(`[data-figure="${name}"]`), text);
}

function showState(state) {
  const [text, look] = BADGES[state] ?? BADGES.offline;
  say(badge, text);
  badge.className = `badge ${look}`;
}

function showHealth(health) {
  const { width, height, video_codec, audio_codec } = health;
  figure("video", video_codec ? `${height ? `${width}×${height} ` : ""}${video_codec.toUpperCase()}` : "none");
  figure("audio", audio_codec ? `${audio_codec.toUpperCase()} ${rate(health.audio_bitrate)}` : "none");
  figure("bitrate", rate(health.video_bitrate + health.audio_bitrate));
  figure("frame_rate", health.frame_rate ? `${seconds.format(health.frame_rate)} fps` : "–");
  figure("keyframe_interval", health.keyframe_interval ? `${seconds.format(health.keyframe_interval)} s` : "–");
  figure("dropped_timestamps", whole.format(health.dropped_timestamps));
  trace.add(health.video_bitrate + health.audio_bitrate);
  showWarnings(health.warnings);
}

function showWarnings(sentences) {
  const lines = sentences.length ? sentences : ["Everything arrives as it should."];
  if ([...warnings.children].map((item) => item.textContent).join("\n") === lines.join("\n")) {
    return; // a screen reader says a status again whenever it is written
  }
  warnings.replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      item.classList.toggle("is-well", sentences.length === 0);
      return item;
    }),
  );
}

function byQuality(renditions) {
  const names = { source: "Source", audio: "Audio only" };
  const watched = renditions.filter(({ viewers }) => viewers > 0);
  return watched.map(({ name, viewers }) => `${names[name] ?? name}: ${whole.format(viewers)}`).join(" · ") || "–";
}

function show({ state, started_at, viewers, renditions, health, playback }) {
  showState(state);
  panel.hidden = !health;
  lead.hidden = Boolean(health);
  uptimeLine.hidden = state === "offline";
  page.querySelector("[data-marker-panel]").hidden = state === "offline";
  if (state === "offline") {
    uptime.removeAttribute("datetime");
    trace.clear();
    return;
  }
  uptime.dateTime = started_at;
  figure("viewers", whole.format(viewers));
  figure("renditions", byQuality(renditions));
  figure("latency", playback ? `${seconds.format(playback.latency_ms / 1000)} s` : "–");
  if (health) {
    showHealth(health);
  }
}

async function ask() {
  if (document.hidden) {
    return;
  }
  const response = await fetch(page.dataset.healthUrl, { headers: { Accept: "application/json" } });
  if (response.ok) {
    show(await response.json());
  }
}

// What fails now is asked again in two seconds.
setInterval(() => ask().catch(() => {}), EVERY_MS);
ask().catch(() => {});
