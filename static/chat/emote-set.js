/** The emotes of a room: names for completion and the picker, pictures by id. */
export class EmoteSet {
  #names = new Map();

  /** @param {string} url answers {emotes: [{id, name, url}]} @param {string} house the folder of the house's pictures */
  constructor(url, house) {
    this.url = url;
    this.house = house;
  }

  async load() {
    const response = await fetch(this.url);
    if (response.ok) {
      const { emotes } = await response.json();
      this.#names = new Map(emotes.map((emote) => [emote.name, emote.id]));
    }
  }

  /** @returns {string[]} */
  get names() {
    return [...this.#names.keys()];
  }

  /** @param {string} name @returns {string} */
  idOf(name) {
    return this.#names.get(name);
  }

  /** @param {string} id @returns {string} the address of the picture */
  picture(id) {
    return id.startsWith("g-") ? `${this.house}${id}.svg` : `/chat/emotes/${encodeURIComponent(id)}.webp`;
  }
}
