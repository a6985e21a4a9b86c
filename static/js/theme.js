// The theme somebody chose, before anything is painted. A classic script: modules come too late for that.

(() => {
  const KEY = "headrace.theme";
  const root = document.documentElement;

  const chosen = () => {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system";
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") {
      root.dataset.theme = theme;
    } else {
      delete root.dataset.theme;
    }
  };

  const choose = (theme) => {
    apply(theme);
    try {
      if (theme === "system") {
        localStorage.removeItem(KEY);
      } else {
        localStorage.setItem(KEY, theme);
      }
    } catch {
      // Storage is forbidden: the choice lasts as long as the page.
    }
  };

  apply(chosen());
  addEventListener("storage", (event) => event.key === KEY && apply(event.newValue));

  addEventListener("DOMContentLoaded", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
    for (const toggle of document.querySelectorAll("[data-theme-toggle]")) {
      const label = () => toggle.setAttribute("aria-label", isDark() ? "Switch to light theme" : "Switch to dark theme");
      label();
      dark.addEventListener("change", label);
      toggle.addEventListener("click", () => {
        choose(isDark() ? "light" : "dark");
        label();
      });
    }
    for (const radio of document.querySelectorAll("[data-theme-choice] input")) {
      radio.checked = radio.value === (root.dataset.theme ?? "system");
      radio.addEventListener("change", () => choose(radio.value));
    }
  });
})();
