/**
 * The main screen: sidebar and chat side by side, or on a narrow screen one at a time. The list is painted first; what
 * shows a chat is loaded after it, or with it where one opens at once.
 */

import { t } from "../i18n.js";
import { conversationWith, unreadTotal } from "../state.js";
import { usePictures } from "./avatar.js";
import { Banner } from "./banner.js";
import { Deeds } from "./deeds.js";
import { closeAll } from "./dialog.js";
import { Directory } from "./directory.js";
import { fromTemplate, setText } from "./dom.js";
import { Members } from "./members.js";
import { openMenu } from "./menu.js";
import { Shortcuts } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { talksOf } from "./talks.js";

const TITLE = "Webchat";
/** On a narrow screen the chat appears under the finger: the second half of a double-click is not for it. */
const DOUBLE_CLICK_MS = 400;
/** What shows that somebody is there. */
const ACTS = ["pointerdown", "keydown", "wheel"];
/** The list is painted by then, and mostly nobody has chosen a chat yet. */
const PREFETCH_MS = 200;

/** A browser leaves the page for a file that is dropped on it. Where a message takes it, file_entry.js says so. */
function keepPage(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

export class Screen {
  #root;
  #element;
  #parts;
  #store;
  #router;
  #directory;
  #sidebar;
  /** Null until it is loaded. */
  #chat = null;
  #chatDeps;
  #loading = null;
  #deeds;
  #begun = false;
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
    const directory = new Directory(store);
    this.#directory = directory;
    const members = new Members({ api, store, directory });
    const show = (conversation) => this.#open(conversation);
    const leave = () => router.closeChat();
    const searchIn = (conversation) => this.#searchIn(conversation);
    const deeds = new Deeds({ api, store, directory, members, friendships, marks, notify, say, show, leave, searchIn, accountActs });
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
    this.#deeds = deeds;
    this.#chatDeps = {
      ...deps, act: { ...act, talkItems: (id) => deeds.talkItems(id), close: leave }, signal: this.#listening.signal,
    };
    this.#banner = new Banner({
      element: element.querySelector("#connection-banner"), text: parts.bannerText, retry: parts.bannerRetry, feed,
      changed: () => store.touch(),
    });
    const { signal } = this.#listening;
    store.addEventListener("change", () => this.#render(), { signal });
    router.addEventListener("change", () => this.#render(), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    addEventListener("focus", () => this.#chat?.attend(), { signal });
    for (const type of ACTS) addEventListener(type, () => this.#chat?.attend(), { signal, capture: true, passive: true });
    for (const type of ["dragenter", "dragover", "drop"]) addEventListener(type, keepPage, { signal });
    this.#parts.welcomeFind.addEventListener("click", () => this.#sidebar.search());
    new Shortcuts({
      signal,
      act: { search: () => this.#search(), step: (by) => this.#step(by), newGroup: act.newGroup, help: act.help, settings: act.settings },
    });
    root.replaceChildren(element);
    this.#render();
  }

  stop() {
    this.#listening.abort();
    this.#chat?.close();
    this.#banner.stop();
    closeAll();
    this.#root.replaceChildren();
    document.title = TITLE;
  }

  /** The view of a chat; null where it cannot be loaded just now. */
  async #loadChat() {
    this.#loading ??= import("./chat.js").catch(() => null);
    const module = await this.#loading;
    if (!module) this.#loading = null;
    else if (!this.#listening.signal.aborted && !this.#chat) {
      this.#chat = new module.Chat(this.#chatDeps);
      this.#render();
    }
    return this.#chat;
  }

  async #open(conversation) {
    if (!conversation) return;
    if (this.#router.route.page !== "chat") this.#guard();
    if (conversation.kind === "group") this.#router.openGroup(conversation.id);
    else this.#router.openChat(conversation.with);
    (await this.#loadChat())?.focus();
  }

  async #jump(message) {
    await this.#open(this.#store.state.conversations.get(message.conversation));
    this.#chat?.show(message);
  }

  /** In what was said in one conversation. */
  #searchIn(conversation) {
    // On a narrow screen the search stands in the list's place.
    if (!this.#parts.query.checkVisibility()) this.#router.replace("#/");
    this.#sidebar.searchIn(conversation);
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
    this.#chat?.attend();
    this.#chat?.look();
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
    if (conversation && this.#chat) {
      if (!this.#chat.element.isConnected) this.#parts.pane.replaceChildren(this.#chat.element);
      this.#chat.open(conversation);
    } else if (conversation) {
      this.#parts.pane.replaceChildren();
      this.#loadChat();
    } else {
      this.#chat?.close();
      this.#welcome(state, missing, name);
    }
    if (state.ready && !this.#begun) this.#begin();
    const unread = unreadTotal(state);
    document.title = unread ? `(${unread}) ${TITLE}` : TITLE;
  }

  /** In the place of a chat. */
  #welcome(state, missing, name) {
    const { pane, welcome, welcomeTitle, welcomeText, welcomeFind } = this.#parts;
    const alone = !missing && talksOf(state, (talk) => this.#directory.face(talk)).length === 0;
    const asked = state.requests.size > 0;
    const why = name ? t("welcome.missing", { name }) : t("welcome.left");
    setText(welcomeTitle, alone ? t("welcome.title", { name: this.#directory.shown(state.me) }) : "");
    setText(welcomeText, missing ? why : t(alone ? (asked ? "welcome.asked" : "nobody.text") : "welcome.choose"));
    welcomeFind.hidden = !alone || asked;
    welcome.hidden = !state.ready;
    if (!welcome.isConnected) pane.replaceChildren(welcome);
  }

  /** Once the list stands there. */
  #begin() {
    this.#begun = true;
    this.#deeds.reopen();
    setTimeout(() => this.#loadChat(), PREFETCH_MS);
  }
}
