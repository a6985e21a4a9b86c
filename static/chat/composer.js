import { clock } from "../js/clock.js";

const HISTORY = 30;
const MAX = 500;

/**
 * Where one writes: Enter sends, Tab completes names and emotes, the up arrow brings back what one wrote.
 *
 * Fires `say` ({text, replyTo}).
 */
export class Composer extends EventTarget {
  #form;
  #input;
  #reply;
  #replyTo = null;
  #error;
  #history = [];
  #at = -1;
  #completion = null;
  #candidates;
  #countdown = 0;

  /** @param {HTMLFormElement} form @param {(word: string) => string[]} candidates what a word may become */
  constructor(form, candidates) {
    super();
    this.#form = form;
    this.#input = form.querySelector("textarea");
    this.#reply = form.querySelector("[data-reply]");
    this.#error = form.querySelector("[data-error]");
    this.#candidates = candidates;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("input", () => this.#changed());
    // Browsers put the field into the middle of what a phone's keyboard leaves, and that is behind the picture.
    this.#input.addEventListener("focus", () => requestAnimationFrame(() => this.#keepInSight()));
    visualViewport.addEventListener("resize", () => this.#keepInSight());
    this.#reply.querySelector("button").addEventListener("click", () => this.replyTo(null));
  }

  focus() {
    this.#input.focus();
  }

  /** @param {{id: string, login: string, text: string} | null} message the one to answer, or none */
  replyTo(message) {
    this.#replyTo = message;
    this.#reply.hidden = message === null;
    if (message) {
      this.#reply.querySelector("span").textContent = `Replying to ${message.login}: ${message.text}`;
      this.focus();
    }
  }

  /** Puts a word where one is writing. @param {string} word */
  insert(word) {
    const { selectionStart: at, value } = this.#input;
    const before = value.slice(0, at);
    const gap = before && !before.endsWith(" ") ? " " : "";
    this.#input.value = `${before}${gap}${word} ${value.slice(at)}`;
    this.focus();
    this.#changed();
  }

  /** The text came back refused. @param {string} text @param {string} why @param {number} [ms] how long it holds */
  refused(text, why, ms = 6_000) {
    this.#error.textContent = why;
    this.#error.hidden = false;
    setTimeout(() => this.#error.textContent === why && (this.#error.hidden = true), Math.max(3_000, Math.min(ms, 15_000)));
    if (!this.#input.value) {
      this.#input.value = text;
      this.#changed();
    }
  }

  /** The button counts down how long nothing more may be said. @param {number} [ms] */
  wait(ms = 0) {
    const until = Date.now() + ms;
    const button = this.#form.querySelector("[type=submit]");
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1_000);
      button.textContent = left > 0 ? clock(left) : "Send";
      if (left <= 0) {
        clearInterval(this.#countdown);
      }
    };
    clearInterval(this.#countdown);
    this.#countdown = setInterval(tick, 500);
    tick();
  }

  #keepInSight() {
    if (document.activeElement === this.#input) {
      this.#input.scrollIntoView({ block: "nearest" });
    }
  }

  #submit() {
    const text = this.#input.value.trim();
    if (!text) {
      return;
    }
    this.#history = [...this.#history.filter((old) => old !== text), text].slice(-HISTORY);
    this.#at = -1;
    this.#input.value = "";
    this.#error.hidden = true;
    this.#changed();
    this.dispatchEvent(new CustomEvent("say", { detail: { text, replyTo: this.#replyTo?.id ?? "" } }));
    this.replyTo(null);
  }

  #key(event) {
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Tab" && !event.shiftKey && this.#complete()) {
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.replyTo(null);
    } else if (event.key === "ArrowUp" && (this.#at >= 0 || !this.#input.value)) {
      event.preventDefault();
      this.#recall(this.#at < 0 ? this.#history.length - 1 : Math.max(0, this.#at - 1));
    } else if (event.key === "ArrowDown" && this.#at >= 0) {
      event.preventDefault();
      this.#recall(this.#at + 1);
    }
    if (event.key !== "Tab") {
      this.#completion = null;
    }
  }

  #recall(at) {
    this.#at = at < this.#history.length ? at : -1;
    this.#input.value = this.#history[this.#at] ?? "";
    this.#changed();
  }

  /** Replaces the word before the cursor by its next completion. False when there is none, so Tab may move on. */
  #complete() {
    const { value, selectionStart: end } = this.#input;
    if (this.#completion?.value !== value || this.#completion.end !== end) {
      const start = value.slice(0, end).search(/\S+$/);
      if (start < 0) {
        return false;
      }
      this.#completion = { start, found: this.#candidates(value.slice(start, end)), index: -1, rest: value.slice(end) };
    }
    const completion = this.#completion;
    if (!completion.found.length) {
      return false;
    }
    completion.index = (completion.index + 1) % completion.found.length;
    const before = `${value.slice(0, completion.start)}${completion.found[completion.index]} `;
    this.#input.value = before + completion.rest.trimStart();
    this.#input.setSelectionRange(before.length, before.length);
    completion.value = this.#input.value;
    completion.end = before.length;
    this.#count();
    return true;
  }

  #changed() {
    this.#count();
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, 120)}px`;
  }

  #count() {
    const left = MAX - [...this.#input.value].length;
    const counter = this.#form.querySelector("[data-left]");
    counter.hidden = left > 50;
    counter.textContent = left;
    counter.classList.toggle("chat__left--over", left < 0);
  }
}
