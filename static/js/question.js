/**
 * Asks before something that can't be undone.
 *
 * @param {string} text the question @param {string} yes the button that does it @param {boolean} danger
 * @returns {Promise<boolean>}
 */
export function ask(text, yes, danger) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-label", yes);

  const question = document.createElement("p");
  question.textContent = text;
  const row = document.createElement("div");
  row.className = "button-row";
  row.append(choice("no", "Cancel", "button"), choice("yes", yes, `button ${danger ? "button--danger" : "button--primary"}`));
  const form = document.createElement("form");
  form.className = "dialog__body";
  form.method = "dialog";
  form.append(question, row);
  dialog.append(form);

  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

function choice(value, text, className) {
  const button = document.createElement("button");
  button.value = value;
  button.textContent = text;
  button.className = className;
  return button;
}
