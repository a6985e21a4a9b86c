/** A card about somebody: who they are, what they said, and what a moderator can do. */
export class Card {
  #dialog;
  #command;
  #mayModerate;

  /**
   * @param {HTMLDialogElement} dialog @param {(text: string) => void} command carries out a command
   * @param {() => boolean} mayModerate
   */
  constructor(dialog, command, mayModerate) {
    this.#dialog = dialog;
    this.#command = command;
    this.#mayModerate = mayModerate;
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) {
        dialog.close();
      }
      const { order } = event.target.dataset;
      if (order) {
        this.#command(order.replace("{login}", this.login).replace("{id}", this.message));
        dialog.close();
      }
    });
  }

  /** @param {string} login @param {string} message the id that was clicked @param {string[]} said @param {string} url */
  async open(login, message, said, url) {
    this.login = login;
    this.message = message;
    const part = (name) => this.#dialog.querySelector(`[data-card-${name}]`);
    part("name").textContent = login;
    part("name").href = `/${login}`;
    part("facts").textContent = "…";
    part("said").replaceChildren(
      ...said.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
    part("moderate").hidden = !this.#mayModerate();
    part("delete").disabled = !message;
    this.#dialog.showModal();
    const response = await fetch(url).catch(() => null);
    if (this.login !== login) {
      return;
    }
    if (!response?.ok) {
      part("facts").textContent = "Nothing more is known at the moment.";
    } else {
      const card = await response.json();
      const date = (text) => new Date(text).toLocaleDateString([], { dateStyle: "medium" });
      part("facts").textContent = [
        card.badges.join(", "),
        `here since ${date(card.joinedAt)}`,
        card.followedAt ? `follows since ${date(card.followedAt)}` : "doesn't follow",
        card.banned ? `banned${card.bannedUntil ? ` until ${new Date(card.bannedUntil).toLocaleString()}` : ""}` : "",
      ]
        .filter(Boolean)
        .join(" · ");
    }
  }
}
