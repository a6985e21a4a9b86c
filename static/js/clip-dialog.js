// Making a clip of what the page's player shows: of a video by positions, of a stream by the times at which it was live.

import { clock } from "./clock.js";

const dialog = document.querySelector("[data-clip-dialog]");
const player = document.querySelector("[data-player]");
const video = player.querySelector("video");
const part = (name) => dialog.querySelector(`[data-clip-${name}]`);
const seconds = dialog.querySelector("#clip-seconds");
const title = dialog.querySelector("#clip-title");

/** Where the clip ends on the player's own axis, when that was, and until when a preview plays. */
let end = 0;
let endedAt = 0;
let stopAt = Infinity;
let latency = 0;

player.addEventListener("playbackprogress", ({ detail }) => (latency = detail.latency ?? 0));

document.querySelector("[data-clip-button]").addEventListener("click", () => {
  end = Math.max(video.currentTime, dialog.dataset.vod ? Number(seconds.min) : 0);
  endedAt = Date.now() - latency * 1000;
  seconds.max = String(dialog.dataset.vod ? Math.min(60, Math.floor(end)) : 60);
  video.pause();
  showRange();
  part("error").textContent = "";
  dialog.showModal();
});

function showRange() {
  const length = Number(seconds.value);
  const range = dialog.dataset.vod ? `, from ${clock(end - length)} to ${clock(end)}` : "";
  part("range").textContent = `${length} seconds${range}`;
}

seconds.addEventListener("input", showRange);

part("preview").addEventListener("click", () => {
  // Of a stream, as far back as the player has it.
  const { seekable } = video;
  const first = seekable.length ? seekable.start(0) : 0;
  video.currentTime = Math.max(first, end - Number(seconds.value));
  stopAt = end;
  video.play().catch(() => {});
});

video.addEventListener("timeupdate", () => {
  if (dialog.open && video.currentTime >= stopAt) {
    stopAt = Infinity;
    video.pause();
  }
});

dialog.addEventListener("close", () => {
  stopAt = Infinity;
  video.play().catch(() => {});
});

dialog.querySelector("form").addEventListener("submit", async (event) => {
  if (event.submitter?.value !== "make") {
    return;
  }
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  const response = await fetch(dialog.dataset.url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": dialog.dataset.csrf },
    body: JSON.stringify({ ...range(), title: title.value }),
  }).catch(() => null);
  button.disabled = false;
  if (response?.ok) {
    location.assign(new URL((await response.json()).watchUrl).pathname);
  } else {
    part("error").textContent = (await response?.json().catch(() => null))?.message ?? "This did not work. Try again.";
  }
});

function range() {
  const length = Number(seconds.value) * 1000;
  if (dialog.dataset.vod) {
    const toMs = Math.round(end * 1000);
    return { vodId: dialog.dataset.vod, fromMs: Math.max(0, toMs - length), toMs };
  }
  return {
    streamId: player.dataset.broadcast,
    since: new Date(endedAt - length).toISOString(),
    until: new Date(endedAt).toISOString(),
  };
}
