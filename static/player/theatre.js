/** Theatre mode: `data-theatre` on <html>, which the page's layout answers; remembered. */
export class Theatre {
  #button;
  #preferences;

  /** @param {HTMLElement} button @param {import("./preferences.js").Preferences} preferences */
  constructor(button, preferences) {
    this.#button = button;
    this.#preferences = preferences;
    button.addEventListener("click", () => this.toggle());
    if (preferences.read("theatre") === "true") {
      this.#set(true);
    }
  }

  toggle() {
    const on = !document.documentElement.hasAttribute("data-theatre");
    this.#set(on);
    this.#preferences.write("theatre", on);
  }

  #set(on) {
    document.documentElement.toggleAttribute("data-theatre", on);
    this.#button.setAttribute("aria-pressed", String(on));
  }
}
