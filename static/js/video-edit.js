// A video's settings: the player's moment goes into fields and chapters.

import { clock } from "./clock.js";
import { followMaking } from "./making.js";

const page = document.querySelector("[data-edit]");
const video = page.querySelector("video");

if (video) {
  for (const button of page.querySelectorAll("[data-take-moment], [data-add-chapter]")) {
    button.hidden = false;
  }
}

page.addEventListener("click", (event) => {
  const take = event.target.closest("[data-take-moment]");
  if (take) {
    document.getElementById(take.dataset.takeMoment).value = clock(video.currentTime);
  } else if (event.target.closest("[data-add-chapter]")) {
    const field = document.getElementById("id_chapters");
    field.value = `${field.value.trimEnd()}\n${clock(video.currentTime)} `.trimStart();
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }
});

followMaking();
