/**
 * What the menus and buttons of the screen do: with conversations, with people, and with oneself. The dialogs are loaded
 * when they are first wanted.
 */

import { Changes } from "../changes.js";
import { t, wording } from "../i18n.js";
import { conversationWith } from "../state.js";
import { readJson, writeJson } from "../storage.js";
import { avatarOf } from "./avatar.js";
import { confirm } from "./dialog.js";

/** The dialog that is to be open again after the page is loaded anew, and about what. */
const REOPEN_KEY = "webchat.reopen";
/** A finger has no keys. */
const KEYLESS = "(hover: none)";

export class Deeds {
  changes;
  #deps;

  /**
   * `show(conversation)` opens one, `leave()` goes back to the list, `searchIn(id)` searches in what was said there,
   * `say(sentence)` tells what went wrong.
   */
  constructor({ marks, say, ...deps }) {
    const sayError = (error) => say(wording(error));
    const changes = new Changes({ api: deps.api, store: deps.store, marks, say: sayError });
    this.changes = changes;
    this.#deps = { ...deps, marks, say, sayError, changes };
  }

  /** Each is called with the name of a person, or the id of a conversation, or nothing. */
  get act() {
    const { friendships, say } = this.#deps;
    const dialog = (module) => (subject) => this.#dialog(module, subject);
    return {
      say,
      ask: (name) => (this.#state.requests.get(name)?.direction === "incoming" ? friendships.ask(name) : this.#dialog("ask", name)),
      accept: friendships.accept,
      end: friendships.end,
      unblock: (name) => this.#block(name, false),
      block: (name) => this.#confirmBlock(name),
      talk: (name) => this.#deps.show(conversationWith(this.#state, name)),
      card: dialog("person"),
      details: (id) => this.#details(id),
      newGroup: () => this.#dialog("new_group"),
      show: (pictures, at) => this.#dialog("lightbox", { pictures, at }),
      help: () => this.#dialog("keys"),
      settings: () => this.#dialog("settings"),
      endFriendship: (name) => this.#endFriendship(name),
      leaveGroup: (id) => this.#leaveGroup(id),
    };
  }

  /** Opens again what was open before a reload that it has caused itself. */
  reopen() {
    const { module, subject } = readJson(sessionStorage, REOPEN_KEY, {});
    writeJson(sessionStorage, REOPEN_KEY, undefined);
    if (module) this.#dialog(module, subject);
  }

  /** The menu of a conversation. */
  talkItems(id) {
    const talk = this.#state.conversations.get(id);
    if (!talk) return [];
    const { act, changes } = this;
    const group = talk.kind === "group";
    const { with: name, muted, unread, last_message: last } = talk;
    const friend = this.#state.friends.has(name);
    const blocked = this.#state.blocked.has(name);
    const unreadable = unread === 0 && last && last.from !== this.#state.me;
    return [
      { label: t(group ? "talk.details.group" : "talk.details.person"), icon: group ? "group" : "person", act: () => act.details(id) },
      last && { label: t("talk.search"), icon: "search", act: () => this.#deps.searchIn(id) },
      { label: t(muted ? "talk.unmute" : "talk.mute"), icon: muted ? "bell" : "bell-off", act: () => changes.mute(id, !muted) },
      unread > 0 && { label: t("talk.read"), icon: "check", act: () => this.#deps.marks.mark(id, talk.last_number) },
      unreadable && { label: t("actions.unread"), icon: "unread", act: () => this.#markUnread(last) },
      "line",
      group && { label: t("group.leave"), icon: "logout", danger: true, act: () => act.leaveGroup(id) },
      friend && { label: t("friend.end"), icon: "close", danger: true, act: () => act.endFriendship(name) },
      !group && !blocked && { label: t("person.block"), icon: "block", danger: true, act: () => act.block(name) },
      !group && blocked && { label: t("people.unblock"), icon: "block", act: () => act.unblock(name) },
    ].filter(Boolean);
  }

  /** The menu of oneself. */
  myItems() {
    const { accountActs, store } = this.#deps;
    const others = accountActs.accounts().filter(({ name }) => name !== store.state.me);
    return [
      { label: t("me.profile"), icon: "person", act: () => this.#dialog("profile") },
      { label: t("me.settings"), icon: "settings", act: () => this.#dialog("settings") },
      { label: t("me.sessions"), icon: "devices", act: () => this.#dialog("sessions") },
      !matchMedia(KEYLESS).matches && { label: t("me.keys"), icon: "keyboard", keys: "?", act: () => this.#dialog("keys") },
      "line",
      ...others.map((account) => ({
        label: t("me.switch", { name: account.name }), face: avatarOf({ name: account.name }, "small"), act: () => accountActs.switchTo(account),
      })),
      { label: t("me.add"), icon: "switch", act: accountActs.addAccount },
      { label: t("account.log_out"), icon: "logout", act: accountActs.logOut },
    ];
  }

  get #state() {
    return this.#deps.store.state;
  }

  #details(id) {
    const talk = this.#state.conversations.get(id);
    if (talk?.kind === "group") this.#dialog("group", id);
    else if (talk) this.#dialog("person", talk.with);
  }

  async #dialog(module, subject) {
    try {
      const { open } = await import(`./dialogs/${module}.js`);
      const again = (about) => writeJson(sessionStorage, REOPEN_KEY, { module, subject: about });
      await open({ ...this.#deps, act: this.act, dialog: (other, about) => this.#dialog(other, about), again }, subject);
    } catch (error) {
      this.#deps.say(error instanceof TypeError ? t("problem.unreachable") : wording(error));
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #markUnread(message) {
    // It would be read again at once while it is in view.
    this.#deps.leave();
    await this.changes.unread(message);
  }

  async #endFriendship(name) {
    const shown = this.#deps.directory.shown(name);
    const sure = await confirm({ title: t("friend.end.title", { name: shown }), text: t("friend.end.text"), action: t("friend.end.action") });
    if (sure) await this.#deps.friendships.end(name);
  }

  async #confirmBlock(name) {
    const shown = this.#deps.directory.shown(name);
    const sure = await confirm({ title: t("block.title", { name: shown }), text: t("block.text"), action: t("person.block.action") });
    if (sure) await this.#block(name, true);
  }

  async #block(name, blocked) {
    const { api, store, sayError } = this.#deps;
    try {
      await (blocked ? api.block(name) : api.unblock(name));
      store.applyEvents([{ type: "blocked", name, blocked }]);
    } catch (error) {
      sayError(error);
    }
  }

  async #leaveGroup(id) {
    const { api, store, sayError } = this.#deps;
    const talk = this.#state.conversations.get(id);
    const sure = await confirm({ title: t("group.leave.title", { name: talk.name }), text: t("group.leave.text"), action: t("group.leave") });
    if (!sure) return false;
    try {
      await api.removeMember(id, store.state.me);
      store.applyEvents([{ type: "left", conversation: id }]);
    } catch (error) {
      sayError(error);
    }
    return true;
  }
}
