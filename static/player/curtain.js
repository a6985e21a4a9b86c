const MESSAGES = {
  starting: ["", ""],
  live: ["", ""],
  playing: ["", ""],
  audio: ["Audio only", ""],
  reconnecting: ["Reconnecting…", "The streamer's connection dropped. Playback goes on by itself."],
  offline: ["Offline", "This page starts playing by itself when the stream begins."],
  lost: ["The connection is lost", "Playback goes on by itself when it is back."],
  gone: ["This video is no longer here", "It was deleted, or is not for everybody any more."],
  unsupported: ["This browser can't play the stream", "It has neither Media Source Extensions nor HLS of its own."],
};

/** What is said over the picture: why there is none. */
export class Curtain {
  #root;
  #message;
  #detail;

  /** @param {HTMLElement} root the player's section */
  constructor(root) {
    this.#root = root;
    this.#message = root.querySelector("[data-message]");
    this.#detail = root.querySelector("[data-detail]");
  }

  /** @param {keyof typeof MESSAGES} state */
  show(state) {
    if (this.#root.dataset.state === state && this.#message.textContent === MESSAGES[state][0]) {
      return;
    }
    this.#root.dataset.state = state;
    [this.#message.textContent, this.#detail.textContent] = MESSAGES[state];
  }
}
