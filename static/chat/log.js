import { isDark, readable } from "./contrast.js";

/** The most lines on the page; older ones go. While one reads further up, twice as many. */
const LINES = 250;
const NEAR_PX = 40;

/** The list of lines: follows the newest unless one scrolled up, and then says how many came since. */
export class Log {
  #list;
  #more;
  #pausedCount = 0;
  #paused = false;

  /** @param {HTMLElement} list scrolls @param {HTMLButtonElement} more the button back to the newest */
  constructor(list, more) {
    this.#list = list;
    this.#more = more;
    list.addEventListener("keydown", (event) => this.#walk(event));
    list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    more.addEventListener("click", () => this.resume());
    new ResizeObserver(() => this.#paused || this.#toEnd()).observe(list);
    // Colours of names are made for the theme.
    new MutationObserver(() => this.#recolor()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recolor());
  }

  /** @param {HTMLElement[]} lines */
  append(lines) {
    this.#list.append(...lines);
    const most = this.#paused ? LINES * 2 : LINES;
    while (this.#list.childElementCount > most) {
      this.#list.firstElementChild.remove();
    }
    if (this.#paused) {
      this.#pausedCount += lines.length;
      this.#more.textContent = `${this.#pausedCount} new ${this.#pausedCount === 1 ? "message" : "messages"} ↓`;
      this.#more.hidden = false;
    } else {
      this.#toEnd();
    }
  }

  empty() {
    this.#list.replaceChildren();
    this.resume();
  }

  resume() {
    this.#paused = false;
    this.#pausedCount = 0;
    this.#more.hidden = true;
    this.#toEnd();
  }

  /** Takes a message's words away. @param {string} id */
  remove(id) {
    for (const line of this.#list.querySelectorAll(`[data-id="${CSS.escape(id)}"]`)) {
      this.#strike(line);
    }
    this.#unquote(`[data-quoted="${CSS.escape(id)}"]`);
  }

  /** Takes all of a user's words away. @param {string} user their id */
  removeOf(user) {
    for (const line of this.#list.querySelectorAll(`[data-user="${CSS.escape(user)}"]`)) {
      this.#strike(line);
    }
    this.#unquote(`[data-quoted-user="${CSS.escape(user)}"]`);
  }

  /** @param {string} login @returns {string[]} what somebody last said, oldest first */
  saidBy(login) {
    const lines = this.#list.querySelectorAll(`[data-login="${CSS.escape(login)}"] .chat__text`);
    return [...lines].slice(-5).map((line) => line.textContent);
  }

  /** @returns {string[]} logins that spoke lately, the last first */
  get speakers() {
    const logins = [...this.#list.querySelectorAll("[data-login]")].map((line) => line.dataset.login);
    return [...new Set(logins.reverse())];
  }

  #unquote(selector) {
    for (const quote of this.#list.querySelectorAll(selector)) {
      quote.textContent = "↪ message deleted";
    }
  }

  #strike(line) {
    line.classList.add("chat__line--gone");
    line.querySelector(".chat__text")?.replaceChildren("message deleted");
    line.querySelector(".chat__quote")?.remove();
    line.querySelector(".chat__answer")?.remove();
  }

  /** Arrows go from line to line and along a line's buttons: Tab passes them by. */
  #walk(event) {
    const line = event.target.closest("[data-id]");
    const lines = [...this.#list.querySelectorAll("[data-id]")];
    const ways = {
      ArrowUp: () => (line ? lines[lines.indexOf(line) - 1] : lines.at(-1))?.querySelector(".chat__name"),
      ArrowDown: () => line && lines[lines.indexOf(line) + 1]?.querySelector(".chat__name"),
      ArrowRight: () => line?.querySelector(".chat__answer"),
      ArrowLeft: () => line?.querySelector(".chat__name"),
    };
    const button = ways[event.key]?.();
    if (button) {
      event.preventDefault();
      button.focus();
    }
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#list;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (near && this.#paused) {
      this.resume();
    } else if (!near) {
      this.#paused = true;
    }
  }

  #toEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #recolor() {
    for (const name of this.#list.querySelectorAll("[data-color]")) {
      name.style.color = readable(name.dataset.color, isDark());
    }
  }
}
