/**
 * Light or dark, as the person chose, or as the system is. A plain script, run before the first paint; settings.js calls
 * `webchatTheme.choose`, and a choice made in another tab is heard here.
 */
(() => {
  const KEY = "webchat.theme";
  const BARS = { light: "#ffffff", dark: "#16181d" };
  const system = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      const value = localStorage.getItem(KEY);
      return value in BARS ? value : "system";
    } catch {
      return "system";
    }
  };

  const apply = (theme) => {
    const root = document.documentElement;
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const shown = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    document.querySelector('meta[name="theme-color"]').content = BARS[shown];
  };

  globalThis.webchatTheme = {
    get chosen() {
      return document.documentElement.dataset.theme ?? "system";
    },
    choose(theme) {
      try {
        if (theme === "system") localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, theme);
      } catch {
        // Then it holds for this page only.
      }
      apply(theme);
    },
  };

  addEventListener("storage", ({ key }) => key === KEY && apply(chosen()));
  system.addEventListener("change", () => apply(chosen()));
  apply(chosen());
})();
