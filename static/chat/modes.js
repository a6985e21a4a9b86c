/** What the room is set to, above the lines: modes, the pinned message, whether chat can be relied on. */
export class Modes {
  #root;
  #known = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {{slow: number, followers: number | null, subscribers: boolean, emotes: boolean, unique: boolean}} modes
   * @param {{login: string, text: string} | null} pinned
   * @returns {string[]} what changed, in sentences; none at first
   */
  show(modes, pinned) {
    const list = this.#root.querySelector("[data-modes]");
    const names = describe(modes);
    list.replaceChildren(
      ...names.map((name) => Object.assign(document.createElement("li"), { className: "badge", textContent: name })),
    );
    list.hidden = names.length === 0;
    const shown = this.#root.querySelector("[data-pinned]");
    shown.hidden = !pinned;
    shown.querySelector("span").textContent = pinned ? `${pinned.login}: ${pinned.text}` : "";
    const before = this.#known;
    this.#known = names;
    if (before === null) {
      return [];
    }
    return [
      ...names.filter((name) => !before.includes(name)).map((name) => `The room is now in this mode: ${name}.`),
      ...before.filter((name) => !names.includes(name)).map((name) => `The room is no longer in this mode: ${name}.`),
    ];
  }

  /** @param {boolean} reliable */
  showReliable(reliable) {
    this.#root.querySelector("[data-unreliable]").hidden = reliable;
  }
}

function describe(modes) {
  const names = [];
  if (modes.slow) {
    names.push(`slow, ${modes.slow} s`);
  }
  if (modes.followers !== null && modes.followers !== undefined) {
    names.push(modes.followers ? `followers of ${modes.followers} min` : "followers only");
  }
  if (modes.subscribers) {
    names.push("subscribers only");
  }
  if (modes.emotes) {
    names.push("emotes only");
  }
  if (modes.unique) {
    names.push("unique chat");
  }
  return names;
}
