/**
 * Notices what happens to a laptop. `doubt()`: whatever is under way may be dead (the network came or
 * went, the machine slept, the page came back from the browser's cache). `look()`: somebody looks at
 * the tab again.
 */

const TICK_MS = 3_000;
/** A timer that comes this late in a visible tab means that the machine slept. */
const SLEPT_MS = 15_000;
/** In a hidden tab browsers may run timers once a minute only. */
const SLEPT_HIDDEN_MS = 90_000;

export function keepVigil({ doubt, look }, signal) {
  addEventListener("online", doubt, { signal });
  addEventListener("offline", doubt, { signal });
  addEventListener("pageshow", (event) => event.persisted && doubt(), { signal });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(), { signal });
  let ticked = Date.now();
  const ticker = setInterval(() => {
    const gap = Date.now() - ticked;
    ticked = Date.now();
    if (gap > (document.hidden ? SLEPT_HIDDEN_MS : SLEPT_MS)) doubt();
  }, TICK_MS);
  signal.addEventListener("abort", () => clearInterval(ticker));
}
