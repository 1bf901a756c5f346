/**
 * Tells the server how far one has read. The badge goes at once; the call follows, one per
 * conversation at a time and always with the latest number. What fails is told again on `wake`, unless another device has
 * marked the conversation unread in the meantime.
 */

export class ReadMarks {
  #api;
  #store;
  #wanted = new Map();
  #busy = new Set();

  constructor({ api, store }) {
    this.#api = api;
    this.#store = store;
    store.addEventListener("unread", ({ detail: id }) => this.#wanted.delete(id));
  }

  mark(id, number) {
    const known = this.#store.state.conversations.get(id);
    if (!known || number <= known.read_number) return;
    this.#wanted.set(id, number);
    this.#store.applyRead(id, number);
    this.#tell(id);
  }

  /** Everything after `number` counts as unread again. Throws where the server refuses it. */
  async markUnread(id, number) {
    this.#wanted.delete(id);
    await this.#api.markRead(id, number, { back: true });
    this.#store.applyRead(id, number, { back: true });
  }

  wake() {
    for (const id of this.#wanted.keys()) this.#tell(id);
  }

  async #tell(id) {
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    try {
      for (let number; (number = this.#wanted.get(id)); ) {
        await this.#api.markRead(id, number);
        if (this.#wanted.get(id) === number) this.#wanted.delete(id);
      }
    } catch {
      // Kept in #wanted; the feed's next "live" brings us back here.
    } finally {
      this.#busy.delete(id);
    }
  }
}
