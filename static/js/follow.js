/** Follows a channel, or no more, without leaving the page: what plays goes on. `chat/_follow.html` is its markup. */
export function followInPlace() {
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-follow]")) {
      event.preventDefault();
      follow(event.target);
    }
  });
}

async function follow(form) {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  const page = response?.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  const fresh = page?.querySelector("[data-follow]");
  if (!fresh) {
    form.submit(); // the page that comes says what is wrong
    return;
  }
  form.replaceWith(document.adoptNode(fresh));
  fresh.querySelector("button").focus({ preventScroll: true });
}
