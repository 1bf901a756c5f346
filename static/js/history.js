/**
 * Loads pages of conversations into the store, one at a time for each conversation. A failure is
 * remembered until `retry` or `wake`, so that a view that asks on every draw asks only once.
 */

const PAGE = 100;
/** Going back to the first unread message stops after this many pages. */
const SEEK_PAGES = 5;

export class History {
  #api;
  #store;
  #loading = new Map();
  #failed = new Set();
  #ensuring = new Set();

  constructor({ api, store }) {
    this.#api = api;
    this.#store = store;
  }

  isLoading = (id) => this.#loading.has(id) || this.#ensuring.has(id);
  hasFailed = (id) => this.#failed.has(id);

  /** Makes sure that the newest messages are loaded, and all back to number `from`. */
  async ensure(id, from = Infinity) {
    this.#ensuring.add(id);
    await this.#seek(id, from);
    this.#ensuring.delete(id);
    this.#store.touch();
  }

  async #seek(id, from) {
    if (!this.#current(id)) await this.#load(id, {}, from);
    for (let pages = 0; pages < SEEK_PAGES && this.#current(id) && this.#ensuring.has(id); pages += 1) {
      const thread = this.#thread(id);
      if (!thread.more || thread.messages[0].number <= from) return;
      await this.older(id, PAGE);
    }
  }

  /** The page before the oldest loaded message. */
  async older(id, limit = PAGE) {
    const thread = this.#thread(id);
    const oldest = thread?.messages[0];
    if (thread?.more && oldest) await this.#load(id, { before: oldest.id, limit });
  }

  /** The page after the newest loaded message, where one is in the past. */
  async newer(id) {
    const thread = this.#thread(id);
    const newest = thread?.messages.at(-1);
    if (thread?.newer && newest) await this.#load(id, { after: newest.id, limit: PAGE });
  }

  /** A message wherever it is, and what was said around it, in place of what is loaded. */
  async around(id, message) {
    await this.#alone(id);
    await this.#load(id, { around: message, limit: PAGE });
  }

  /** The end, in place of whatever is loaded of the past. */
  async newest(id) {
    await this.#alone(id);
    await this.#load(id, {});
  }

  /** What is under way would come in between: it is let finish, and seeks no further. */
  async #alone(id) {
    this.#ensuring.delete(id);
    while (this.#loading.has(id)) await this.#loading.get(id);
  }

  /** Forgets a failure; the next draw asks again. */
  retry(id) {
    this.#failed.delete(id);
    this.#store.touch();
  }

  wake() {
    this.#failed.clear();
    this.#store.touch();
  }

  #thread(id) {
    return this.#store.state.threads.get(id);
  }

  #current(id) {
    return this.#thread(id)?.stale === false;
  }

  async #load(id, query, from = Infinity) {
    if (this.#loading.has(id)) return this.#loading.get(id);
    const far = this.#store.state.conversations.get(id)?.last_number - from + 10;
    const limit = query.limit ?? Math.max(PAGE, Math.min(far || 0, PAGE));
    const loading = this.#fetch(id, { ...query, limit });
    this.#loading.set(id, loading);
    this.#store.touch();
    await loading;
  }

  async #fetch(id, query) {
    try {
      const page = await this.#api.messages(id, query);
      this.#failed.delete(id);
      this.#store.applyPage(id, page, query);
    } catch {
      this.#failed.add(id);
    } finally {
      this.#loading.delete(id);
      this.#store.touch();
    }
  }
}
