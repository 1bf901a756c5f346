/**
 * What people are called, and how they look: oneself, friends, and the members of groups one has seen. A friend's profile
 * comes with the state; of others the last that was heard is kept, for as long as the page lives.
 */

export class Directory {
  #store;
  #seen = new Map();

  constructor(store) {
    this.#store = store;
  }

  /** Members of a group, or a person's card. */
  learn(people) {
    for (const one of people) this.#seen.set(one.name, one);
  }

  /** `{name, shown, avatar?, status?, gone?}`; `gone`: the account is no more. */
  of(name) {
    const { state } = this.#store;
    const known = (name === state.me ? state.profile : state.friends.get(name)) ?? this.#seen.get(name) ?? {};
    return { name, shown: known.display_name || name, avatar: known.avatar ?? "", status: known.status ?? "", gone: known.gone };
  }

  shown = (name) => this.of(name).shown;

  /** How a conversation looks: a group's name, or the other person. */
  face(conversation) {
    if (conversation.kind !== "group") return this.of(conversation.with);
    return { name: conversation.name, shown: conversation.name, avatar: "", group: true };
  }
}
