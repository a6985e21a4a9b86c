// A video's page: its chapters and marks move the player.

import { followMaking } from "./making.js";

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

followMaking();
