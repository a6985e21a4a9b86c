/** A moderator's desk: messages that wait, what moderators did, and undo. */
export class Moderation {
  #root;
  #dialog;

  /** @param {HTMLElement} root of the panel */
  constructor(root) {
    this.#root = root;
    this.#dialog = root.querySelector("[data-desk]");
    root.querySelector("[data-desk-button]").addEventListener("click", () => this.#open());
    this.#dialog.addEventListener("click", (event) => {
      const { undo, allow, deny } = event.target.dataset;
      if (undo) {
        this.#post(`/chat/actions/${undo}/undo`);
      } else if (allow || deny) {
        this.#post(`/chat/held/${allow ?? deny}`, { allowed: Boolean(allow) });
      }
    });
  }

  /** A message is held: the desk's button says so. @param {boolean} here whether in this room */
  held(here) {
    if (here) {
      this.#root.querySelector("[data-desk-button]").classList.add("chat__desk-button--new");
      if (this.#dialog.open) {
        this.#load();
      }
    }
  }

  #open() {
    this.#root.querySelector("[data-desk-button]").classList.remove("chat__desk-button--new");
    this.#dialog.showModal();
    this.#load();
  }

  async #load() {
    const response = await fetch(this.#root.dataset.deskUrl);
    if (!response.ok) {
      return;
    }
    const { held, actions } = await response.json();
    this.#dialog
      .querySelector("[data-held]")
      .replaceChildren(
        ...held.map((message) =>
          row(`${message.login}: ${message.text}`, [
            ["Allow", { allow: message.id }],
            ["Deny", { deny: message.id }],
          ]),
        ),
      );
    this.#dialog
      .querySelector("[data-actions]")
      .replaceChildren(
        ...actions.map((action) =>
          row(describe(action), action.undoable && !action.undone ? [["Undo", { undo: action.id }]] : []),
        ),
      );
  }

  async #post(path, body = {}) {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": this.#root.querySelector("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify({ channelId: this.#root.dataset.login, ...body }),
    });
    const error = this.#dialog.querySelector("[data-desk-error]");
    error.textContent = response.ok ? "" : (await response.json()).message;
    await this.#load();
  }
}

function row(text, buttons) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("span"), { textContent: text }));
  for (const [label, data] of buttons) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: label });
    Object.assign(button.dataset, data);
    item.append(button);
  }
  return item;
}

function describe({ kind, by, target, facts, at, undone }) {
  const when = new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  const about = facts.text ?? facts.reason ?? facts.term ?? facts.to ?? "";
  const seconds = facts.seconds ? ` ${facts.seconds} s` : "";
  const modes = kind === "mode" ? Object.entries(facts).map(([name, value]) => `${name} ${value}`).join(", ") : "";
  return [when, by ?? "?", kind + seconds, target ?? "", about || modes, undone ? "(undone)" : ""].filter(Boolean).join(" · ");
}
