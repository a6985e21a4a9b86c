// What every page does: running clocks, follow and copy buttons, questions before what can't be undone, notices.

import { runClocks } from "./clock.js";
import { followInPlace } from "./follow.js";
import { hearNotices } from "./notices.js";
import { playPreviews } from "./previews.js";
import { ask } from "./question.js";

runClocks();
followInPlace();
playPreviews();
if (document.querySelector("[data-toasts]")) {
  hearNotices();
}

// A form that came back: where it was wrong is where one goes on, however far down the page.
document.querySelector(".main [aria-invalid=true]")?.focus();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) {
    return;
  }
  const field = document.getElementById(button.dataset.copy);
  field.select();
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // No clipboard on plain http: the old command copies what is selected.
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 2000);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.confirm) {
    return;
  }
  event.preventDefault();
  const button = event.submitter;
  if (await ask(form.dataset.confirm, button.textContent.trim(), button.classList.contains("button--danger"))) {
    form.submit();
  }
});

// A secret is shown in the answer to a POST: without this, a reload would send the form again and make another.
if (document.querySelector("[data-shown-once]")) {
  history.replaceState(null, "", location.pathname.split("/").slice(0, 2).join("/"));
}
