/**
 * The members of the groups that one has opened: who they are, and what they may. Asked for when a group is opened, and
 * again when its line has changed.
 */

export class Members {
  #api;
  #store;
  #directory;
  #lists = new Map();
  #asked = new Map();

  constructor({ api, store, directory }) {
    this.#api = api;
    this.#store = store;
    this.#directory = directory;
  }

  /** `[{name, role, …}]` as last heard, or none yet. */
  of = (id) => this.#lists.get(id) ?? [];

  /** Asks for them unless they are known as of this line of the group. */
  async ensure(conversation) {
    const { id, members, role, name } = conversation;
    const version = `${members} ${role} ${name} ${notesOf(conversation)}`;
    if (this.#asked.get(id) === version) return;
    this.#asked.set(id, version);
    try {
      this.take(id, (await this.#api.conversation(id)).members);
    } catch {
      // The next draw asks again.
      this.#asked.delete(id);
    }
  }

  take(id, members) {
    this.#lists.set(id, members);
    this.#directory.learn(members);
    this.#store.touch();
  }
}

/** A note of the group as its last message may be about its members. */
const notesOf = ({ last_message: last }) => (last?.kind ? last.number : 0);
