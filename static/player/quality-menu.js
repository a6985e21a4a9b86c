import { AUDIO, AUTO } from "./renditions.js";

/** The quality menu: Auto, the renditions from the best down, audio only. Event: `choose` (a name). */
export class QualityMenu extends EventTarget {
  #menu;

  /** @param {HTMLElement} menu an empty media-chrome-menu */
  constructor(menu) {
    super();
    this.#menu = menu;
    menu.addEventListener("change", () => {
      const { value } = menu.checkedItems?.[0] ?? {};
      if (value) {
        this.dispatchEvent(new CustomEvent("choose", { detail: value }));
      }
    });
  }

  /**
   * @param {{name: string, picture: string, label: string}[]} renditions @param {boolean} audioOnly whether that is offered too
   * @param {string} wanted the chosen name @param {string} playing the name of what Auto plays now
   */
  show(renditions, audioOnly, wanted, playing) {
    const current = renditions.find(({ name }) => name === playing);
    const entries = [
      { name: AUTO, label: wanted === AUTO && current ? `Auto (${current.picture})` : "Auto" },
      ...renditions,
      ...(audioOnly ? [{ name: AUDIO, label: "Audio only" }] : []),
    ];
    const items = [...this.#menu.querySelectorAll("media-chrome-menu-item")];
    entries.forEach(({ name, label }, index) => {
      const item = items[index] ?? this.#menu.appendChild(document.createElement("media-chrome-menu-item"));
      item.setAttribute("type", "radio");
      item.setAttribute("value", name);
      if (item.textContent !== label) {
        item.textContent = label;
      }
      item.toggleAttribute("checked", name === wanted);
      item.setAttribute("aria-checked", String(name === wanted));
    });
    items.slice(entries.length).forEach((item) => item.remove());
  }
}
