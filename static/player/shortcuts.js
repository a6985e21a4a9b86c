// Where a key means something else.
const TEXT = "input, textarea, select, [contenteditable=''], [contenteditable=true]";
const MENUS = "media-settings-menu, media-volume-range, [role^=menu], [role=slider], [role=listbox]";
const BUTTONS =
  "button, a[href], summary, [role=button], media-play-button, media-mute-button, media-pip-button, " +
  "media-fullscreen-button, media-chrome-button, media-settings-menu-button";

const NAMES = { " ": "Space", "ArrowUp": "↑", "ArrowDown": "↓", "ArrowLeft": "←", "ArrowRight": "→" };

function meansSomethingElse(key, element) {
  if (element.closest(TEXT)) {
    return true;
  }
  return (key === " " && element.closest(BUTTONS)) || ((key === " " || key.startsWith("Arrow")) && element.closest(MENUS));
}

/**
 * The player's keys. Letters work anywhere on the page, arrows only while the player has the focus or the screen,
 * so that they still scroll the page.
 * @param {HTMLElement} root the player's section
 * @param {Record<string, {keys: string[], label: string, local?: boolean, run: () => void}>} shortcuts
 */
export function listenForKeys(root, shortcuts) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const shortcut = Object.values(shortcuts).find(({ keys }) => keys.includes(key));
    const inside = event.composedPath().filter((node) => node instanceof Element);
    if (!shortcut || inside.some((element) => meansSomethingElse(key, element))) {
      return;
    }
    if (shortcut.local && !root.contains(document.activeElement) && document.fullscreenElement !== root) {
      return;
    }
    event.preventDefault();
    shortcut.run();
  });
}

/** Lists the keys in a help dialog. @param {HTMLElement} list a `dl` */
export function describeKeys(list, shortcuts) {
  for (const { keys, label } of Object.values(shortcuts)) {
    const term = document.createElement("dt");
    keys.forEach((key, index) => {
      const cap = document.createElement("kbd");
      cap.textContent = NAMES[key] ?? key.toUpperCase();
      term.append(index ? " or " : "", cap);
    });
    const detail = document.createElement("dd");
    detail.textContent = label;
    list.append(term, detail);
  }
}
