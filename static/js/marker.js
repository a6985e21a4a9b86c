// The dashboard's button that marks a moment, without leaving the page.

const SHOWN = 5;

const form = document.querySelector("[data-marker-form]");
const said = document.querySelector("[data-marker-said]");
const list = document.querySelector("[data-marker-list]");

function show({ at, text }) {
  const [label, time] = [document.createElement("span"), document.createElement("time")];
  label.textContent = text || "Marked moment";
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString();
  time.className = "rows__note";
  const item = document.createElement("li");
  item.append(label, time);
  list.prepend(item);
  [...list.children].slice(SHOWN).forEach((old) => old.remove());
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok) {
    show(answer);
    form.reset();
    said.textContent = "Marked.";
  } else {
    said.textContent = answer?.message ?? "This did not work. Try again.";
  }
});
