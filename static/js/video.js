// A video's page: its chapters and marks move the player, and the streamer sees how far its products are.

const MAKING_MS = 3_000;

const page = document.querySelector("[data-video]");
const player = page.querySelector("[data-player]");
const chapters = [...page.querySelectorAll("[data-chapter]")];

page.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-at]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    player.dispatchEvent(new CustomEvent("seekto", { detail: link.dataset.at / 1000 }));
    player.scrollIntoView({ block: "nearest" });
  }
});

player.addEventListener("videoprogress", ({ detail }) => {
  const current = chapters.findLast((link) => link.dataset.at / 1000 <= detail.at);
  for (const link of chapters) {
    if (link === current) {
      link.setAttribute("aria-current", "true");
    } else {
      link.removeAttribute("aria-current");
    }
  }
});

player.addEventListener("viewscount", ({ detail }) => {
  page.querySelector("[data-views]").textContent = detail.views.toLocaleString();
});

/** Looks how far products are, until there is nothing left to be made. */
async function followMaking(list) {
  const response = await fetch(page.dataset.json).catch(() => null);
  if (response?.ok) {
    const { making } = await response.json();
    const left = making.filter(({ state }) => state === "making");
    for (const bar of list.querySelectorAll("progress")) {
      const kind = bar.dataset.kind;
      bar.value = making.find((asset) => asset.kind === kind)?.progress ?? 100;
    }
    if (!left.length) {
      return;
    }
  }
  setTimeout(followMaking, MAKING_MS, list);
}

const list = page.querySelector("[data-making-list]");
if (list) {
  followMaking(list);
}
