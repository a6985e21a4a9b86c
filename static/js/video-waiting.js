// A video or clip that is being made ready, or brought back from cold storage: the page shows it as soon as it plays.

const { json, everyMs } = document.querySelector("[data-video-waiting]").dataset;

async function look() {
  const response = await fetch(json).catch(() => null);
  if (response?.ok) {
    const { state, atHand } = await response.json();
    // Of a clip nothing is said: it always is at hand.
    if (state === "failed" || (state === "ready" && atHand !== false)) {
      location.reload();
      return;
    }
  }
  setTimeout(look, everyMs);
}

setTimeout(look, everyMs);
