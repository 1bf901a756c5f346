/** The main screen: sidebar and chat side by side, or on a narrow screen one at a time. */

import { t } from "../i18n.js";
import { conversationWith, unreadTotal } from "../state.js";
import { usePictures } from "./avatar.js";
import { Banner } from "./banner.js";
import { Chat } from "./chat.js";
import { Deeds } from "./deeds.js";
import { closeAll } from "./dialog.js";
import { Directory } from "./directory.js";
import { fromTemplate, setText } from "./dom.js";
import { useFiles } from "./files.js";
import { Members } from "./members.js";
import { openMenu } from "./menu.js";
import { Shortcuts } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { talksOf } from "./talks.js";

const TITLE = "Webchat";
/** On a narrow screen the chat appears under the finger: the second half of a double-click is not for it. */
const DOUBLE_CLICK_MS = 400;

export class Screen {
  #root;
  #element;
  #parts;
  #store;
  #router;
  #directory;
  #sidebar;
  #chat;
  #banner;
  #listening = new AbortController();

  /** `accountActs`: `logOut()`, `addAccount()`, `accounts()` and `switchTo(account)`. */
  constructor(root, { feed, store, router, api, friendships, marks, say, notify, accountActs, ...rest }) {
    this.#root = root;
    this.#store = store;
    this.#router = router;
    const { element, parts } = fromTemplate("screen");
    this.#element = element;
    this.#parts = parts;
    usePictures(api.avatarAddress);
    useFiles({ file: api.fileAddress, thumbnail: api.thumbnailAddress });
    const directory = new Directory(store);
    this.#directory = directory;
    const members = new Members({ api, store, directory });
    const show = (conversation) => this.#open(conversation);
    const leave = () => router.closeChat();
    const deeds = new Deeds({ api, store, directory, members, friendships, marks, notify, say, show, leave, accountActs });
    // While the banner stands, nobody knows who has come or gone.
    const heard = () => !this.#banner.isShown;
    const { act } = deeds;
    const deps = { api, store, directory, members, heard, changes: deeds.changes, marks, ...rest };
    this.#sidebar = new Sidebar(parts, {
      ...deps,
      myMenu: () => deeds.myItems(),
      act: {
        ...act,
        open: (id) => show(store.state.conversations.get(id)),
        talkMenu: (event, id, back) => this.#talkMenu(event, deeds.talkItems(id), back),
        jump: (message) => this.#jump(message),
      },
    });
    this.#chat = new Chat({ ...deps, act: { ...act, talkItems: (id) => deeds.talkItems(id), close: leave } });
    this.#banner = new Banner({
      element: element.querySelector("#connection-banner"), text: parts.bannerText, retry: parts.bannerRetry, feed,
      changed: () => store.touch(),
    });
    const { signal } = this.#listening;
    store.addEventListener("change", () => this.#render(), { signal });
    router.addEventListener("change", () => this.#render(), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    new Shortcuts({
      signal,
      act: { search: () => this.#search(), step: (by) => this.#step(by), newGroup: act.newGroup, help: act.help, settings: act.settings },
    });
    root.replaceChildren(element);
    this.#render();
  }

  stop() {
    this.#listening.abort();
    this.#chat.close();
    this.#banner.stop();
    closeAll();
    this.#root.replaceChildren();
    document.title = TITLE;
  }

  #open(conversation) {
    if (!conversation) return;
    if (this.#router.route.page !== "chat") this.#guard();
    if (conversation.kind === "group") this.#router.openGroup(conversation.id);
    else this.#router.openChat(conversation.with);
    this.#chat.focus();
  }

  #jump(message) {
    this.#open(this.#store.state.conversations.get(message.conversation));
    this.#chat.show(message);
  }

  #guard() {
    this.#parts.pane.classList.add("guarded");
    setTimeout(() => this.#parts.pane.classList.remove("guarded"), DOUBLE_CLICK_MS);
  }

  #talkMenu(event, items, back) {
    event.preventDefault();
    const box = back.getBoundingClientRect();
    // From the keyboard it comes without a place.
    const at = event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : { x: box.left + 60, y: box.top + 30 };
    openMenu(items, { at, back, label: t("chat.menu") });
  }

  #search() {
    if (this.#router.route.page === "chat" && getComputedStyle(this.#parts.query).visibility !== "visible") return;
    this.#sidebar.search();
  }

  /** To the conversation above or below the open one. */
  #step(by) {
    const { state } = this.#store;
    const talks = talksOf(state, (talk) => this.#directory.face(talk));
    const now = talks.findIndex(({ id }) => id === this.#current(state)?.id);
    const next = talks[now < 0 ? 0 : now + by];
    if (next) this.#open(next);
  }

  #seen() {
    if (document.visibilityState !== "visible") return;
    this.#chat.look();
    // Today may have become yesterday.
    this.#store.touch();
  }

  #current(state) {
    const { page, name, group } = this.#router.route;
    if (page !== "chat") return null;
    return (group ? state.conversations.get(group) : conversationWith(state, name)) ?? null;
  }

  #render() {
    const { state } = this.#store;
    const { page, name } = this.#router.route;
    const conversation = this.#current(state);
    const missing = page === "chat" && state.ready && !conversation;
    this.#element.dataset.page = page === "chat" && !missing ? "chat" : "list";
    this.#sidebar.render(state, conversation?.id ?? null);
    const { pane, welcome, welcomeText } = this.#parts;
    if (conversation) {
      if (!this.#chat.element.isConnected) pane.replaceChildren(this.#chat.element);
      this.#chat.open(conversation);
    } else {
      this.#chat.close();
      setText(welcomeText, missing ? (name ? t("welcome.missing", { name }) : t("welcome.left")) : t("welcome.choose"));
      if (!welcome.isConnected) pane.replaceChildren(welcome);
    }
    welcome.hidden = !state.ready;
    const unread = unreadTotal(state);
    document.title = unread ? `(${unread}) ${TITLE}` : TITLE;
  }
}
