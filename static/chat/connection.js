const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000];
const HEARTBEAT_MS = 30_000;
/** No frame for so long means that the line is dead, whatever the socket says. */
const SILENCE_MS = 75_000;
/** How long a line may take to prove that it lives. */
const ANSWER_MS = 5_000;
/** Closes after which coming back makes no sense: no such room; asked to leave. */
const FINAL = new Set([4404, 4001]);

/**
 * A room's WebSocket, kept open: comes back by itself, with a growing and random pause so that not all come at once,
 * and asks for what it missed.
 *
 * Fires `state` ({state: "open" | "waiting" | "closed"}) and `frame` for each frame of the server, as `detail`.
 * A frame of records is fired as `records` ({records, anew}); `anew` means that what was shown before is void.
 */
export class Connection extends EventTarget {
  #url;
  #socket = null;
  #epoch = null;
  #offset = 0;
  #attempt = 0;
  #heartbeat = 0;
  #retry = 0;
  #heardAt = 0;
  #early = [];
  #resuming = false;
  #waiting = new Map();
  #nonce = 0;

  /** @param {string} url of the room: ws://host/ws/chat/login/ */
  constructor(url) {
    super();
    this.#url = url;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  open() {
    this.#retry = 0;
    const back = this.#epoch !== null;
    const socket = new WebSocket(back ? `${this.#url}?history=0` : this.#url);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.addEventListener("message", ({ data }) => this.#socket === socket && this.#heard(JSON.parse(data)));
    socket.addEventListener("close", ({ code, reason }) => this.#socket === socket && this.#closed(code, reason));
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  close() {
    this.#socket?.close();
  }

  /**
   * Says a text, or carries out a command.
   *
   * @param {string} text @param {string} [replyTo] the id of the message it answers
   * @returns {Promise<object>} the server's `ack`; rejects with its `error` frame
   */
  say(text, replyTo = "") {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject({ code: "offline", text: "Chat is connecting. Try again in a moment." });
    }
    const nonce = String(++this.#nonce);
    const frame = { type: "message", text, nonce };
    if (replyTo) {
      frame.reply_to = replyTo;
    }
    this.#socket.send(JSON.stringify(frame));
    return new Promise((resolve, reject) => this.#waiting.set(nonce, { resolve, reject }));
  }

  #heard(frame) {
    this.#heardAt = Date.now();
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "resumed":
        return this.#resumed(frame);
      case "messages":
        return this.#records(frame.messages);
      case "ack":
      case "error":
        return this.#answered(frame);
      case "anew":
        // The room was emptied: begin as if for the first time.
        this.#epoch = null;
        return this.#anew();
      default:
        return frame.offset ? this.#records([frame]) : this.#fire("frame", frame);
    }
  }

  #welcomed(frame) {
    this.#attempt = 0;
    this.#fire("state", { state: "open" });
    this.#fire("frame", frame);
    if (this.#epoch === null) {
      this.#epoch = frame.epoch;
      this.#offset = frame.offset;
      this.#fire("records", { records: frame.messages, anew: true });
    } else {
      this.#resuming = true;
      this.#socket.send(JSON.stringify({ type: "resume", epoch: this.#epoch, offset: this.#offset }));
    }
  }

  #resumed(frame) {
    this.#resuming = false;
    const early = this.#early.splice(0);
    if (frame.recovered) {
      this.#records(frame.records);
      this.#records(early);
      return;
    }
    this.#epoch = null;
    this.#anew();
  }

  #records(records) {
    if (this.#resuming) {
      this.#early.push(...records);
      return;
    }
    const fresh = records.filter((record) => !record.offset || record.offset > this.#offset);
    for (const record of fresh) {
      this.#offset = Math.max(this.#offset, record.offset ?? 0);
    }
    if (fresh.length) {
      this.#fire("records", { records: fresh, anew: false });
    }
  }

  #answered(frame) {
    const waiting = this.#waiting.get(frame.nonce);
    this.#waiting.delete(frame.nonce);
    if (frame.type === "ack") {
      waiting?.resolve(frame);
    } else {
      waiting?.reject(frame);
    }
  }

  /** Gives up this line without waiting for its end, and opens another. */
  #anew() {
    this.#socket.close();
    this.#closed(0);
  }

  #closed(code) {
    clearInterval(this.#heartbeat);
    this.#socket = null;
    this.#resuming = false;
    this.#early = [];
    for (const { reject } of this.#waiting.values()) {
      reject({ code: "offline", text: "The connection broke off: your message may not have arrived." });
    }
    this.#waiting.clear();
    if (FINAL.has(code)) {
      this.#fire("state", { state: "closed" });
      return;
    }
    const pause = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)];
    this.#fire("state", { state: "waiting" });
    this.#retry = setTimeout(() => this.open(), pause * (0.5 + Math.random()));
  }

  #beat() {
    if (Date.now() - this.#heardAt > SILENCE_MS) {
      this.#anew();
    } else if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send('{"type":"ping"}');
    }
  }

  /** The machine woke up, or has a network again: what was a line may be none without knowing. */
  #hurry() {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) {
      const asked = Date.now();
      socket.send('{"type":"ping"}');
      setTimeout(() => this.#socket === socket && this.#heardAt < asked && this.#anew(), ANSWER_MS);
    } else if (socket === null && this.#retry) {
      clearTimeout(this.#retry);
      this.#attempt = 0;
      this.#retry = setTimeout(() => this.open(), Math.random() * 500);
    }
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
