/** The main screen: sidebar and chat side by side, or on a narrow screen one at a time. */

import { t } from "../i18n.js";
import { conversationWith, unreadTotal } from "../state.js";
import { Banner } from "./banner.js";
import { Chat } from "./chat.js";
import { fromTemplate, setText } from "./dom.js";
import { Sidebar } from "./sidebar.js";

const TITLE = "Webchat";
/** On a narrow screen the chat appears under the finger: the second half of a double-click is not for it. */
const DOUBLE_CLICK_MS = 400;

export class Screen {
  #root;
  #element;
  #parts;
  #store;
  #router;
  #sidebar;
  #chat;
  #banner;
  #listening = new AbortController();

  constructor(root, { feed, store, router, friendships, logOut, addAccount, ...deps }) {
    this.#root = root;
    this.#store = store;
    this.#router = router;
    const { element, parts } = fromTemplate("screen");
    this.#element = element;
    this.#parts = parts;
    const { ask, accept, end } = friendships;
    const act = { ask, accept, end, open: (name) => this.#open(name) };
    // While the banner stands, nobody knows who has come or gone.
    const heard = () => !this.#banner.isShown;
    this.#sidebar = new Sidebar(parts, { store, act, logOut, addAccount, heard, ...deps });
    // Asking somebody who has asked is accepting, so the chat needs only the one.
    this.#chat = new Chat({ store, act, heard, close: () => router.closeChat(), ...deps });
    this.#banner = new Banner({
      element: element.querySelector("#connection-banner"), text: parts.bannerText, retry: parts.bannerRetry, feed,
      changed: () => store.touch(),
    });
    const { signal } = this.#listening;
    store.addEventListener("change", () => this.#render(), { signal });
    router.addEventListener("change", () => this.#render(), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    root.replaceChildren(element);
    this.#render();
  }

  stop() {
    this.#listening.abort();
    this.#chat.close();
    this.#banner.stop();
    this.#root.replaceChildren();
    document.title = TITLE;
  }

  #open(name) {
    if (this.#router.route.page !== "chat") this.#guard();
    this.#router.openChat(name);
    this.#chat.focus();
  }

  #guard() {
    this.#parts.pane.classList.add("guarded");
    setTimeout(() => this.#parts.pane.classList.remove("guarded"), DOUBLE_CLICK_MS);
  }

  #seen() {
    if (document.visibilityState !== "visible") return;
    this.#chat.look();
    // Today may have become yesterday.
    this.#store.touch();
  }

  #render() {
    const { state } = this.#store;
    const { page, name } = this.#router.route;
    const conversation = page === "chat" ? conversationWith(state, name) : null;
    const missing = page === "chat" && state.ready && !conversation;
    this.#element.dataset.page = page === "chat" && !missing ? "chat" : "list";
    this.#sidebar.render(state, conversation?.with ?? null);
    const { pane, welcome, welcomeText } = this.#parts;
    if (conversation) {
      if (!this.#chat.element.isConnected) pane.replaceChildren(this.#chat.element);
      this.#chat.open(conversation);
    } else {
      this.#chat.close();
      setText(welcomeText, missing ? t("chat.missing", { name }) : t("chat.choose"));
      if (!welcome.isConnected) pane.replaceChildren(welcome);
    }
    welcome.hidden = !state.ready;
    const unread = unreadTotal(state);
    document.title = unread ? `(${unread}) ${TITLE}` : TITLE;
  }
}
