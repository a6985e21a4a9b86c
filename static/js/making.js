const EVERY_MS = 3_000;

/** Shows how far the things are that are made of a video, until there is nothing left to be made. */
export function followMaking() {
  const list = document.querySelector("[data-making-list]");
  if (list) {
    look(list);
  }
}

async function look(list) {
  const response = await fetch(list.dataset.json).catch(() => null);
  if (response?.ok) {
    const { making } = await response.json();
    for (const bar of list.querySelectorAll("progress")) {
      bar.value = making.find(({ kind }) => kind === bar.dataset.kind)?.progress ?? 100;
    }
    if (!making.some(({ state }) => state === "making")) {
      return;
    }
  }
  setTimeout(look, EVERY_MS, list);
}
