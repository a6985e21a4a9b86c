// What the player, and the chat beside it, remember in this browser: first-party, nothing leaves it but the viewer id in
// heartbeats.

const PREFIX = "headrace.player.";

/** localStorage behind one prefix; a browser that forbids it gets a memory that lasts as long as the page. */
export class Preferences {
  #fallback = new Map();

  /** @param {string} name @param {string} otherwise what an unset name reads as @returns {string} */
  read(name, otherwise = "") {
    try {
      return localStorage.getItem(PREFIX + name) ?? this.#fallback.get(name) ?? otherwise;
    } catch {
      return this.#fallback.get(name) ?? otherwise;
    }
  }

  /** @param {string} name @param {string | number | boolean} value */
  write(name, value) {
    this.#fallback.set(name, String(value));
    try {
      localStorage.setItem(PREFIX + name, String(value));
    } catch {
      // Storage is full or forbidden: the page's own memory has it.
    }
  }

  /** A random id of this browser: ten tabs of one person are one viewer. 128 bits in hex. */
  get viewer() {
    const kept = this.read("viewer");
    if (/^[0-9a-f]{32}$/.test(kept)) {
      return kept;
    }
    // crypto.randomUUID is missing on plain http from another machine; getRandomValues is everywhere.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.write("viewer", made);
    return made;
  }
}

/** The same nouns without a memory, for previews that must not change what the watch page remembers. */
export class ForgetfulPreferences extends Preferences {
  read(name, otherwise = "") {
    return name === "viewer" ? super.read(name, otherwise) : otherwise;
  }

  write(name, value) {
    if (name === "viewer") {
      super.write(name, value);
    }
  }
}
