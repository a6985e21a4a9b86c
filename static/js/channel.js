// A channel's page follows its broadcast: title, category, tags and clock, while the player looks after the picture.
// The room's socket tells what changes; it is asked for too, seldom, for words can get lost.

const EVERY_MS = 120_000;
/** A stream plays as a video a second after its end. */
const SEALED_MS = 3_000;

const page = document.querySelector("[data-channel]");
const find = (name) => page.querySelector(`[data-${name}]`);
let broadcast = page.querySelector("[data-player]").dataset.broadcast;

function showLive(live) {
  page.querySelectorAll("[data-only-live]").forEach((element) => (element.hidden = !live));
  page.querySelectorAll("[data-only-offline]").forEach((element) => (element.hidden = live));
}

function showStream(stream) {
  const title = stream.title || `${stream.channel}'s ${stream.id ? "stream" : "channel"}`;
  find("title").textContent = title;
  document.title = `${stream.channel}${stream.id ? `: ${title}` : ""} · Headrace`;
  if (stream.startedAt) {
    page.querySelector("time[data-uptime]").dateTime = stream.startedAt;
  }

  const category = find("category");
  category.hidden = !stream.category;
  if (stream.category) {
    category.textContent = stream.category.name;
    category.href = `/directory/${stream.category.slug}`;
  }

  const tags = find("tags");
  tags.hidden = stream.tags.length === 0;
  tags.replaceChildren(
    ...stream.tags.map((tag) => {
      const item = document.createElement("li");
      item.className = "tag";
      item.textContent = tag;
      return item;
    }),
  );
}

async function refresh() {
  if (!broadcast || document.hidden) {
    return;
  }
  const response = await fetch(`/streams/${broadcast}`);
  if (response.ok) {
    showStream(await response.json());
  }
}

/** Offers what has just ended. */
async function showLastVideo() {
  const notice = find("last-video");
  const response = await fetch(`/vods?channel=${notice.dataset.lastVideo}&perPage=1`);
  const [last] = response.ok ? (await response.json()).vods : [];
  if (last && !broadcast) {
    const link = notice.querySelector("a");
    link.textContent = last.title || `${last.channel}'s stream`;
    link.href = new URL(last.watchUrl).pathname;
    notice.hidden = false;
  }
}

page.addEventListener("broadcastchange", ({ detail }) => {
  broadcast = detail.broadcast;
  showLive(detail.state !== "offline");
  if (detail.state === "offline") {
    setTimeout(() => showLastVideo().catch(() => {}), SEALED_MS);
  } else {
    find("last-video").hidden = true;
  }
  refresh().catch(() => {});
});

document.addEventListener("streamchange", ({ detail }) => showStream(detail));

setInterval(() => refresh().catch(() => {}), EVERY_MS);
