// Cards of videos that move under the pointer: ten seconds of moments from across the video.

const REST_MS = 350;

const still = matchMedia("(prefers-reduced-motion: reduce)");
let timer = 0;

function begin(picture) {
  const video = document.createElement("video");
  video.className = "card__preview";
  video.src = picture.dataset.preview;
  video.muted = video.loop = video.playsInline = true;
  video.setAttribute("aria-hidden", "true");
  video.addEventListener("error", () => video.remove());
  picture.append(video);
  video.play().catch(() => video.remove());
}

/** Begins when the pointer rests on a card that has a preview, and ends when it leaves. */
export function playPreviews() {
  document.addEventListener("pointerover", ({ target, pointerType }) => {
    const picture = target.closest(".card")?.querySelector("[data-preview]");
    clearTimeout(timer);
    for (const video of document.querySelectorAll(".card__preview")) {
      if (video.parentElement !== picture) {
        video.remove();
      }
    }
    if (picture && !picture.querySelector("video") && pointerType === "mouse" && !still.matches) {
      timer = setTimeout(begin, REST_MS, picture);
    }
  });
}
