/** How long to wait after a failure: up to 0.5 s, 1 s, 2 s … 15 s, drawn at random ("full jitter"),
 * so that a server that comes back is not hit by everybody in the same instant. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** Even the luckiest draw leaves the server a breath. */
const SHORTEST_MS = 100;

export class Backoff {
  #failures = 0;

  /** Milliseconds until the next try; never sooner than the server asked for (seconds). */
  next(retryAfter = null) {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures++);
    return Math.max(SHORTEST_MS, Math.random() * ceiling, (retryAfter ?? 0) * 1000);
  }

  reset() {
    this.#failures = 0;
  }
}

/** A sleep that somebody else can end. */
export class Alarm {
  #ring = () => {};

  /** Resolves after `ms`, or at the next `ring()`. */
  sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#ring = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  ring() {
    this.#ring();
  }
}
