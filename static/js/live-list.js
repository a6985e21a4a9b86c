// Lists of live channels that stay true while the page is open.

const EVERY_MS = 10_000;
const STILL_MS = 3_000;

let touched = -STILL_MS;

/** Pictures that are not there yet leave the still water behind them to be seen. */
function hideMissing(image) {
  const hide = () => (image.hidden = true);
  if (image.complete && image.naturalWidth === 0) {
    hide();
  }
  image.addEventListener("error", hide);
  image.addEventListener("load", () => (image.hidden = false));
}

function thumbnails(list) {
  return list.querySelectorAll("[data-thumbnail]");
}

async function renew() {
  const list = document.querySelector("[data-live-list]");
  // Nothing moves under somebody's finger or focus.
  if (document.hidden || performance.now() - touched < STILL_MS || list.contains(document.activeElement)) {
    return;
  }
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) {
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-live-list]");
  if (fresh) {
    thumbnails(fresh).forEach(hideMissing);
    list.replaceWith(document.adoptNode(fresh));
  }
}

for (const kind of ["pointermove", "pointerdown"]) {
  document.addEventListener(kind, () => (touched = performance.now()), { passive: true });
}
thumbnails(document).forEach(hideMissing);
setInterval(() => renew().catch(() => {}), EVERY_MS);
