// Says on whatever page one is on that a channel one follows went live.

const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 120_000;
/** Closes after which coming back makes no sense: not signed in any more; there is nobody to hear of. */
const FINAL = new Set([4401, 4404]);
const SHOWN_MS = 12_000;
/** Notices on one page at a time; the oldest makes room. */
const MOST = 3;

let retryMs = RETRY_MS;

export function hearNotices() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws/notices/`);
  socket.addEventListener("open", () => (retryMs = RETRY_MS));
  socket.addEventListener("message", ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "live" && location.pathname !== `/${frame.login}`) {
      show(frame);
    }
  });
  socket.addEventListener("close", ({ code }) => {
    if (!FINAL.has(code)) {
      setTimeout(hearNotices, retryMs * (0.5 + Math.random()));
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  });
}

function show({ login, title }) {
  const list = document.querySelector("[data-toasts]");
  const toast = document.createElement("li");
  toast.className = "toast";
  const link = Object.assign(document.createElement("a"), { href: `/${login}` });
  const name = Object.assign(document.createElement("strong"), { textContent: login });
  link.append(name, " is live", title ? `: ${title}` : "");
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "✕" });
  close.className = "button button--quiet button--icon";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => toast.remove());
  toast.append(link, close);
  list.append(toast);
  while (list.childElementCount > MOST) {
    list.firstElementChild.remove();
  }
  const leave = () => setTimeout(() => toast.remove(), SHOWN_MS);
  if (document.hidden) {
    // The time to read it begins when somebody looks.
    document.addEventListener("visibilitychange", leave, { once: true });
  } else {
    leave();
  }
}
