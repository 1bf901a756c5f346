/**
 * Changing what was said: another text, a reaction, deletion; marking as unread; quiet. The answer is applied at once as
 * what the feed will bring anyway; what the server refuses is said.
 */

export class Changes {
  #api;
  #store;
  #marks;
  #say;

  /** `say(error)` tells the person what went wrong. */
  constructor({ api, store, marks, say }) {
    this.#api = api;
    this.#store = store;
    this.#marks = marks;
    this.#say = say;
  }

  edit = ({ id }, text) => this.#change(() => this.#api.edit(id, text));
  remove = ({ id }) => this.#change(() => this.#api.delete(id));

  /** Puts one's reaction under a message, or takes it back. */
  react({ id, reactions = {} }, emoji) {
    const mine = reactions[emoji]?.includes(this.#store.state.me);
    return this.#change(() => (mine ? this.#api.unreact(id, emoji) : this.#api.react(id, emoji)));
  }

  /** This message and all after it count as unread again. */
  unread = ({ conversation, number }) => this.#try(() => this.#marks.markUnread(conversation, number - 1));

  mute = (id, muted) =>
    this.#try(async () => this.#store.applyConversation((await this.#api.mute(id, muted)).conversation));

  #change = (call) => this.#try(async () => this.#store.applyChanged((await call()).message));

  async #try(act) {
    try {
      await act();
    } catch (error) {
      if (error.status !== 401) this.#say(error);
    }
  }
}
