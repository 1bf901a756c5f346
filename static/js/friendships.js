/**
 * Asking, accepting, ending. The answer is applied at once as the event that the feed will bring
 * anyway; what the server refuses is said in a toast.
 */

import { wording } from "./i18n.js";

export class Friendships {
  #api;
  #store;
  #say;

  constructor({ api, store, say }) {
    this.#api = api;
    this.#store = store;
    this.#say = say;
  }

  /** `note`: a few words with the question. */
  ask = (name, note) => this.#do(async () => this.#answer((await this.#api.ask(name, note)).friend));
  accept = (name) => this.#do(async () => this.#answer((await this.#api.accept(name)).friend));

  /** Declines, withdraws or ends: there is one call for all three. */
  end = (name) =>
    this.#do(async () => {
      await this.#api.unfriend(name);
      this.#store.applyEvents([{ type: "friend", name, state: "none" }]);
    });

  #answer({ name, state }) {
    // A new friend's conversation id comes with the feed's event only.
    if (state !== "friend") this.#store.applyEvents([{ type: "friend", name, state }]);
  }

  async #do(act) {
    try {
      await act();
    } catch (error) {
      if (error.status !== 401) this.#say(wording(error));
    }
  }
}
