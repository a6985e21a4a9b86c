import { Player } from "./player.js";

/** Controls that nobody could have used yet come after the picture; without a picture they come soon all the same. */
const CONTROLS_MS = 1_000;

for (const root of document.querySelectorAll("[data-player]")) {
  new Player(root).start();
  const timer = setTimeout(loadControls, CONTROLS_MS, root.dataset.controls);
  root.querySelector("video").addEventListener(
    "playing",
    () => {
      clearTimeout(timer);
      loadControls(root.dataset.controls);
    },
    { once: true },
  );
}

/** media-chrome defines its elements when it runs, so it runs once. */
function loadControls(url) {
  if (!document.querySelector("script[data-controls]")) {
    const script = document.createElement("script");
    script.src = url;
    script.dataset.controls = "";
    document.head.append(script);
  }
}
