/** Controls that nobody could have used yet come after the picture; without a picture they come soon all the same. */
const CONTROLS_MS = 1_000;

/** Loads media-chrome for a player. @param {HTMLElement} root the section with data-player */
export function bringControls(root) {
  const timer = setTimeout(load, CONTROLS_MS, root.dataset.controls);
  root.querySelector("video").addEventListener(
    "playing",
    () => {
      clearTimeout(timer);
      load(root.dataset.controls);
    },
    { once: true },
  );
}

/** media-chrome defines its elements when it runs, so it runs once. */
function load(url) {
  if (!document.querySelector("script[data-controls]")) {
    const script = document.createElement("script");
    script.src = url;
    script.dataset.controls = "";
    document.head.append(script);
  }
}
