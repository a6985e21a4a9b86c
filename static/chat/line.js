import { clock } from "../js/clock.js";
import { isDark, readable } from "./contrast.js";

const BADGES = {
  broadcaster: ["Broadcaster", "▶"],
  moderator: ["Moderator", "⚔"],
  vip: ["VIP", "◆"],
  subscriber: ["Subscriber", "★"],
};
/** An address, less what ends the sentence or bracket that it stands in. */
const LINK = /\bhttps?:\/\/[^\s<>"]*[^\s<>"'.,:;!?)\]]/g;
const MENTION = /@([a-z0-9_]{4,25})/gi;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

/** A text with links, and mentions of anybody, as nodes. Whatever it says stays text. */
function words(text, me) {
  const nodes = [];
  let at = 0;
  const found = [...text.matchAll(LINK), ...text.matchAll(MENTION)].sort((a, b) => a.index - b.index);
  for (const match of found) {
    if (match.index < at) {
      continue;
    }
    nodes.push(document.createTextNode(text.slice(at, match.index)));
    if (match[0].startsWith("@")) {
      const mine = match[1].toLowerCase() === me;
      nodes.push(element("span", mine ? "chat__mention chat__mention--me" : "chat__mention", match[0]));
    } else {
      const link = element("a", "chat__link", match[0]);
      link.href = match[0];
      link.target = "_blank";
      link.rel = "noopener noreferrer nofollow ugc";
      nodes.push(link);
    }
    at = match.index + match[0].length;
  }
  nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

function body(message, emotes, me) {
  const points = [...message.text]; // ranges count code points
  const nodes = [];
  let at = 0;
  for (const [id, start, end] of message.emotes) {
    nodes.push(...words(points.slice(at, start).join(""), me));
    const picture = element("img", "chat__emote");
    picture.src = emotes.picture(id);
    picture.alt = picture.title = points.slice(start, end + 1).join("");
    picture.width = picture.height = 28;
    nodes.push(picture);
    at = end + 1;
  }
  nodes.push(...words(points.slice(at).join(""), me));
  return nodes;
}

/** When a message was said: the time of day, or, beside a video, where in it. */
function time({ ts, at }) {
  const shown =
    at === undefined ? new Date(ts).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }) : clock(at / 1000);
  const made = element("time", "chat__time", shown);
  made.dateTime = new Date(ts).toISOString();
  return made;
}

/**
 * A message as a list item.
 *
 * @param {object} message of the server @param {import("./emote-set.js").EmoteSet} emotes
 * @param {string} me the viewer's login, "" for nobody
 * @returns {HTMLLIElement}
 */
export function messageLine(message, emotes, me) {
  const line = element("li", "chat__line");
  line.dataset.id = message.id;
  line.dataset.user = message.user.id;
  line.dataset.login = message.user.login;
  line.classList.toggle("chat__line--action", Boolean(message.action));
  line.classList.toggle("chat__line--announcement", Boolean(message.announcement));
  if (message.reply_to) {
    const { id, user, login, text } = message.reply_to;
    const quote = element("p", "chat__quote", `↪ ${login}: ${text || "message deleted"}`);
    quote.dataset.quoted = id;
    quote.dataset.quotedUser = user;
    line.append(quote);
  }
  const name = element("button", "chat__name", message.user.name);
  name.type = "button";
  name.tabIndex = -1; // the log's arrow keys lead here
  name.dataset.color = message.user.color;
  name.style.color = readable(message.user.color, isDark());
  line.append(time(message));
  for (const badge of message.user.badges) {
    if (BADGES[badge]) {
      const [label, sign] = BADGES[badge];
      const shown = element("span", `chat__badge chat__badge--${badge}`, sign);
      shown.title = label;
      shown.setAttribute("role", "img");
      shown.setAttribute("aria-label", label);
      line.append(shown);
    }
  }
  const text = element("span", "chat__text");
  text.append(...body(message, emotes, me));
  if (message.action) {
    text.dataset.color = message.user.color;
    text.style.color = name.style.color;
  }
  line.append(name, document.createTextNode(message.action ? " " : ": "), text);
  if (me && message.offset) {
    const answer = element("button", "chat__answer", "↩");
    answer.type = "button";
    answer.tabIndex = -1;
    answer.title = "Reply";
    answer.setAttribute("aria-label", `Reply to ${message.user.login}`);
    line.append(answer);
  }
  if (me && (text.querySelector(".chat__mention--me") || message.reply_to?.login === me)) {
    line.classList.add("chat__line--mine");
  }
  return line;
}

/**
 * Something the room says.
 *
 * @param {string} text @param {string} [kind] a modifier of the style
 * @returns {HTMLLIElement}
 */
export function noticeLine(text, kind = "notice") {
  return element("li", `chat__line chat__line--${kind}`, text);
}
