// A clip's page: counts who has watched it.

import { Preferences } from "../player/preferences.js";

const WATCHED = 2;

const page = document.querySelector("[data-clip]");
const video = page?.querySelector("video");

async function tell() {
  const response = await fetch(page.dataset.watchUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": page.dataset.csrf },
    body: JSON.stringify({ viewer: new Preferences().viewer }),
  }).catch(() => null);
  if (response?.ok) {
    page.querySelector("[data-views]").textContent = (await response.json()).views.toLocaleString();
  }
}

function watch() {
  if (video.currentTime >= WATCHED) {
    video.removeEventListener("timeupdate", watch);
    tell();
  }
}

if (page) {
  video.addEventListener("timeupdate", watch);
} else {
  import("./video-waiting.js");
}
