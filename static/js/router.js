/**
 * Where one is, as the address says it: `#/login`, `#/register`, `#/` (the list), `#/chat/NAME`, `#/group/ID`.
 * So the browser's back button leaves a chat, and a reload comes back to it. Fires `change`.
 */

export class Router extends EventTarget {
  constructor() {
    super();
    addEventListener("popstate", () => this.dispatchEvent(new Event("change")));
  }

  /** `{page: "login" | "register" | "list" | "chat", name, group}`: a chat with a person, or the id of a group. */
  get route() {
    const [page, name = ""] = location.hash.replace(/^#\/?/, "").split("/");
    if (page === "chat" && name) return { page, name: decode(name), group: null };
    if (page === "group" && /^\d+$/.test(name)) return { page: "chat", name: null, group: Number(name) };
    return { page: page === "register" || page === "login" ? page : "list", name: null, group: null };
  }

  openChat(name) {
    this.#open(`#/chat/${encodeURIComponent(name)}`);
  }

  openGroup(id) {
    this.#open(`#/group/${id}`);
  }

  #open(address) {
    const { page } = this.route;
    if (location.hash === address) return;
    // From the list a chat is one step on; from another chat it takes that one's place.
    if (page === "chat") this.#go("replaceState", address, history.state);
    else this.#go("pushState", address, { fromList: true });
  }

  closeChat() {
    if (history.state?.fromList) history.back();
    else this.replace("#/");
  }

  replace(address) {
    this.#go("replaceState", address, null);
  }

  #go(how, address, state) {
    history[how](state, "", address);
    this.dispatchEvent(new Event("change"));
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
