// A video that is being made ready: the page shows it as soon as it plays.

const EVERY_MS = 1_500;
const { json } = document.querySelector("[data-video-waiting]").dataset;

async function look() {
  const response = await fetch(json).catch(() => null);
  if (response?.ok && ["ready", "failed"].includes((await response.json()).state)) {
    location.reload();
    return;
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
