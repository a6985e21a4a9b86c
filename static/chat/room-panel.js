import { Card } from "./card.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { EmoteSet } from "./emote-set.js";
import { InStep } from "./in-step.js";
import { messageLine, noticeLine } from "./line.js";
import { Log } from "./log.js";
import { Modes } from "./modes.js";
import { Moderation } from "./moderation.js";
import { LiveClock } from "./picture-clock.js";
import { Picker } from "./picker.js";

const STATES = { waiting: "Connecting…", closed: "Disconnected" };
/** A busy room's notice stays so long after the room last said so. */
const BUSY_MS = 4_000;
/** Time to read where one is sent, and to stay. */
const RAID_MS = 8_000;

/** A room on a page: the panel of the watch page, the popout and the overlay. `chat/_panel.html` is its markup. */
export class RoomPanel {
  #root;
  #connection;
  #log;
  #composer = null;
  #card;
  #modes;
  #moderation = null;
  #emotes;
  #inStep;
  #you = null;
  #blocked = new Set();
  #busyTimer = 0;

  /** @param {HTMLElement} root the section with data-chat */
  constructor(root) {
    const part = (name) => root.querySelector(`[data-${name}]`);
    const { login, emotesUrl, houseEmotes } = root.dataset;
    this.#root = root;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#connection = new Connection(`${scheme}//${location.host}/ws/chat/${login}/`);
    this.#log = new Log(part("lines"), part("more"));
    this.#emotes = new EmoteSet(emotesUrl, houseEmotes);
    this.#modes = new Modes(root);
    const isOwn = (record) => record.type === "message" && record.user.id === this.#you?.id;
    this.#inStep = new InStep((records) => this.#show(records), new LiveClock(part("in-step")), isOwn);
    if ("overlay" in root.dataset) {
      return;
    }
    this.#card = new Card(part("card"), (text) => this.#say(text), () => this.#moderates);
    const form = part("composer");
    if (form) {
      this.#composer = new Composer(form, (word) => this.#candidates(word));
      this.#composer.addEventListener("say", ({ detail }) => this.#say(detail.text, detail.replyTo));
      part("unpin").addEventListener("click", () => this.#say("/unpin"));
      this.#moderation = new Moderation(root, (id) => this.#log.remove(id));
      new Picker(part("picker"), part("picker-button"), this.#emotes, (name) => this.#composer.insert(name));
    }
    part("lines").addEventListener("click", (event) => this.#clicked(event));
  }

  start() {
    this.#connection.addEventListener("state", ({ detail }) => this.#showState(detail.state));
    this.#connection.addEventListener("frame", ({ detail }) => this.#heard(detail));
    this.#connection.addEventListener("records", ({ detail }) => {
      if (detail.anew) {
        this.#inStep.empty();
        this.#log.empty();
        this.#show(detail.records);
      } else {
        this.#inStep.take(detail.records);
      }
    });
    this.#showState("waiting");
    this.#emotes.load().catch(() => {});
    this.#connection.open();
  }

  get #moderates() {
    return ["moderator", "broadcaster"].includes(this.#you?.role);
  }

  #heard(frame) {
    switch (frame.type) {
      case "welcome":
        this.#you = frame.you;
        this.#blocked = new Set(frame.blocked);
        this.#modes.show(frame.room, frame.pinned);
        this.#modes.showReliable(frame.reliable);
        this.#root.toggleAttribute("data-moderates", this.#moderates);
        this.#showPresent(frame.present);
        break;
      case "notice":
        if (frame.code === "reliable" || frame.code === "unreliable") {
          this.#modes.showReliable(frame.code === "reliable");
        }
        this.#notice(frame.text);
        break;
      case "sample":
        this.#busy(frame.tempo);
        break;
      case "held":
        this.#moderation?.held(frame.room === this.#root.dataset.login);
        break;
      case "whisper":
        if (!("overlay" in this.#root.dataset)) {
          this.#log.append([noticeLine(`${frame.from} whispers: ${frame.text}`, "whisper")]);
        }
        break;
      case "standing":
        if (frame.room === this.#root.dataset.login) {
          this.#connection.close(); // the welcome of the next one tells what one may do now
        }
        break;
      case "raid":
        this.#raid(frame);
        break;
      case "stream":
        // For whoever else is on the page.
        document.dispatchEvent(new CustomEvent("streamchange", { detail: frame.stream }));
        break;
      case "pong":
        this.#showPresent(frame.present);
        break;
    }
  }

  #show(records) {
    const lines = [];
    const flush = () => lines.length && this.#log.append(lines.splice(0));
    for (const record of records) {
      if (record.type === "message") {
        if (!this.#blocked.has(record.user.id)) {
          lines.push(messageLine(record, this.#emotes, this.#you?.login ?? ""));
        }
        continue;
      }
      flush();
      this.#control(record);
    }
    flush();
  }

  #control(record) {
    if (record.type === "delete") {
      this.#log.remove(record.target);
    } else if (record.type === "clear" && record.user) {
      this.#log.removeOf(record.user);
      const how = record.ban ? "banned" : `timed out for ${record.seconds} s`;
      if (record.user === this.#you?.id) {
        this.#notice(`You were ${how}.`);
        this.#composer?.wait(record.ban ? 0 : record.seconds * 1_000);
      } else if (this.#moderates && record.by !== this.#you.login) {
        this.#notice(`${record.login} was ${how} by ${record.by}.`); // who did it was answered
      }
    } else if (record.type === "clear") {
      this.#log.empty();
      this.#notice("A moderator cleared the chat.");
    } else if (record.type === "room") {
      for (const text of this.#modes.show(record.room, record.pinned)) {
        this.#notice(text);
      }
    } else if (record.type === "raid") {
      this.#notice(`${record.from} came with ${record.viewers} viewers.`);
    }
  }

  async #say(text, replyTo = "") {
    try {
      const ack = await this.#connection.say(text, replyTo);
      if (ack.id || !ack.stored) {
        this.#log.resume(); // a command leaves whoever carries it out where they read
      }
      this.#composer.wait(ack.wait_ms);
      if (!ack.stored) {
        this.#notice("Chat may be unreliable: your message reached those near you and is not kept.");
      } else if (ack.id && !ack.shown) {
        this.#notice("The room is very busy: your message is kept, but not shown to everyone.");
      }
      if (/^[/.](un)?block\s/i.test(text)) {
        this.#connection.close(); // the welcome of the next one tells whom one blocks
      }
    } catch (error) {
      this.#composer.refused(text, error.text ?? "This did not work.", error.retry_ms);
      if (error.retry_ms && error.code !== "repeated") {
        this.#composer.wait(error.retry_ms);
      }
    }
  }

  #clicked(event) {
    const line = event.target.closest(".chat__line[data-id]");
    if (!line) {
      return;
    }
    const { login, id } = line.dataset;
    if (event.target.closest(".chat__name")) {
      this.#card.open(login, id, this.#log.saidBy(login), `${this.#root.dataset.cardUrl}${login}`);
    } else if (event.target.closest(".chat__answer")) {
      this.#composer?.replyTo({ id, login, text: line.querySelector(".chat__text").textContent });
    }
  }

  #candidates(word) {
    const low = word.toLowerCase();
    const starting = (names, prefix = "") => names.filter((name) => (prefix + name).toLowerCase().startsWith(low));
    if (word.startsWith("/")) {
      return starting(this.#root.dataset.commands.split(" "));
    }
    if (word.startsWith("@")) {
      return starting(this.#log.speakers, "@").map((name) => `@${name}`);
    }
    return [...starting(this.#emotes.names), ...starting(this.#log.speakers)];
  }

  #showState(state) {
    const shown = this.#root.querySelector("[data-chat-state]");
    shown.textContent = STATES[state] ?? "";
    shown.hidden = !STATES[state];
  }

  #showPresent(count) {
    const shown = this.#root.querySelector("[data-present]");
    if (shown) {
      shown.textContent = count === 1 ? "1 here" : `${count.toLocaleString()} here`;
      shown.hidden = count < 1;
    }
  }

  #busy(tempo) {
    const shown = this.#root.querySelector("[data-busy]");
    shown.textContent = `Very busy: you see a fair sample of ${tempo} messages a second.`;
    shown.hidden = false;
    clearTimeout(this.#busyTimer);
    this.#busyTimer = setTimeout(() => (shown.hidden = true), BUSY_MS);
  }

  #raid(frame) {
    const line = noticeLine(`${frame.from} takes everyone to ${frame.to}… `);
    this.#log.append([line]);
    if ("overlay" in this.#root.dataset) {
      return;
    }
    const to = this.#root.dataset.popout === undefined ? `/${frame.to}` : `/popout/${frame.to}/chat`;
    const leaving = setTimeout(() => location.assign(to), RAID_MS * (0.75 + Math.random() / 2));
    const stay = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Stay here" });
    stay.addEventListener("click", () => {
      clearTimeout(leaving);
      stay.remove();
    });
    line.append(stay);
  }

  #notice(text) {
    this.#log.append([noticeLine(text)]);
  }
}
