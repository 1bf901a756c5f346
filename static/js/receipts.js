/**
 * Tells the server what this browser has got, for the senders to see: the leading tab, at most once a second, and each
 * number once. What fails is told with the next news, or on `wake`. Who hides receipts tells nothing.
 */

const PAUSE_MS = 1_000;

export class Receipts {
  #api;
  #store;
  #leads;
  #told = new Map();
  #timer = null;

  constructor({ api, store, leads }) {
    this.#api = api;
    this.#store = store;
    this.#leads = leads;
    store.addEventListener("change", () => this.wake());
  }

  wake() {
    if (this.#timer === null && this.#leads() && this.#news().length > 0) {
      this.#timer = setTimeout(() => this.#tell(), PAUSE_MS);
    }
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** What is unread has arrived, too; what is read need not be told of. */
  #news() {
    const { conversations, profile } = this.#store.state;
    if (profile.hide_receipts) return [];
    return [...conversations.values()]
      .filter(({ id, last_number: last, unread }) => unread > 0 && last > (this.#told.get(id) ?? 0))
      .map(({ id, last_number: last }) => [id, last]);
  }

  async #tell() {
    const news = this.#news();
    try {
      if (news.length > 0) await this.#api.delivered(Object.fromEntries(news));
      for (const [id, number] of news) this.#told.set(id, number);
    } catch {
      // Told again on `wake`.
    } finally {
      this.#timer = null;
    }
  }
}
