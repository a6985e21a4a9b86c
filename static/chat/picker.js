/** The emotes to choose from, behind their button. Escape closes it and leads back to the button. */
export class Picker {
  #box;
  #button;
  #emotes;
  #choose;

  /**
   * @param {HTMLElement} box @param {HTMLButtonElement} button
   * @param {import("./emote-set.js").EmoteSet} emotes @param {(name: string) => void} choose
   */
  constructor(box, button, emotes, choose) {
    this.#box = box;
    this.#button = button;
    this.#emotes = emotes;
    this.#choose = choose;
    button.addEventListener("click", () => this.#show(box.hidden));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.#show(false);
        button.focus();
      }
    });
    this.#show(false);
  }

  #show(open) {
    this.#box.hidden = !open;
    this.#button.setAttribute("aria-expanded", open);
    if (open) {
      this.#box.replaceChildren(...this.#emotes.names.map((name) => this.#entry(name)));
    }
  }

  #entry(name) {
    const picture = Object.assign(new Image(32, 32), { alt: name, src: this.#emotes.picture(this.#emotes.idOf(name)) });
    const entry = Object.assign(document.createElement("button"), { type: "button", title: name });
    entry.append(picture);
    entry.addEventListener("click", () => this.#choose(name));
    return entry;
  }
}
