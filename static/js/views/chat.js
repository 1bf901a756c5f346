/** The right side while a chat is open: who it is with, the thread, and where one writes. */

import { presenceWord } from "../format.js";
import { t } from "../i18n.js";
import { calling, unreadTotal } from "../state.js";
import { drawAvatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { confirm } from "./dialog.js";
import { countLabel, fromTemplate, setText } from "./dom.js";
import { useFiles } from "./files.js";
import { draftKey } from "./snippets.js";
import { attachMenu } from "./menu.js";
import { MessageActions } from "./message_actions.js";
import { Thread } from "./thread.js";
import { TypingTeller, typingWords } from "./typing.js";

/** On a touch screen the focus would raise the keyboard over what one came to read. */
const FINE_POINTER = "(hover: hover) and (pointer: fine)";

export class Chat {
  #parts;
  #store;
  #directory;
  #members;
  #heard;
  #composer;
  #thread;
  #actions;
  #conversation = null;
  /** Whether it was asked if the other person is still there. */
  #asked = false;
  #api;

  /**
   * Draws one chat after another into the same elements. `act` has what the screen can do: `ask`, `details(id)`,
   * `talkItems(id)` for the menu, `show(pictures, at)`, `say(sentence)`, `close()`.
   */
  constructor({ api, store, outbox, drafts, history, marks, changes, directory, members, act, heard, signal }) {
    const { element, parts } = fromTemplate("chat");
    this.element = element;
    this.#parts = parts;
    this.#store = store;
    this.#api = api;
    this.#directory = directory;
    this.#members = members;
    this.#heard = heard;
    useFiles({ file: api.fileAddress, thumbnail: api.thumbnailAddress });
    const typing = new TypingTeller({ api, store });
    const onMessage = {
      react: (message, emoji) => changes.react(message, emoji),
      reply: (message) => this.#composer.reply(message),
      edit: (message) => this.#composer.edit(message),
      remove: (message) => this.#remove(message, changes),
      unread: (message) => this.#unread(message, changes, act),
      retry: (clientId) => outbox.retry(clientId),
      discard: (clientId) => outbox.discard(clientId),
      write: () => this.#composer.focus(),
      jump: (message) => this.#thread.show(message),
      show: act.show,
    };
    this.#thread = new Thread(parts, { store, outbox, history, marks, directory, act: onMessage });
    this.#actions = new MessageActions(parts.messages, parts.scroller, {
      may: () => this.#present?.open, act: onMessage,
    });
    this.#composer = new Composer(parts, {
      api, drafts, directory, signal,
      candidates: () => this.#candidates(),
      act: {
        send: (text, more) => {
          typing.sent(this.#conversation.id);
          this.#thread.sent();
          outbox.add(this.#conversation.id, text, more);
        },
        edit: (message, text) => changes.edit(message, text),
        typed: () => typing.typed(this.#conversation.id),
        lastOwn: () => this.#actions.lastOwn(),
        up: () => this.#actions.enter(),
        say: act.say,
      },
    });
    attachMenu(parts.menuButton, () => act.talkItems(this.#conversation.id));
    parts.back.addEventListener("click", act.close);
    parts.details.addEventListener("click", () => act.details(this.#conversation.id));
    // Asking somebody who has asked is accepting.
    parts.askAgain.addEventListener("click", () => act.ask(this.#conversation.with));
  }

  open(conversation) {
    const again = this.#conversation?.id === conversation.id;
    this.#conversation = conversation;
    if (!again) {
      this.#asked = false;
      this.#thread.open(conversation);
      const title = this.#directory.face(conversation).shown;
      this.#composer.open({ id: conversation.id, key: draftKey(conversation), title });
    }
    this.render();
  }

  /** The chat is no longer on the screen; opening it again begins anew. */
  close() {
    this.#conversation = null;
    this.#thread.close();
  }

  focus() {
    if (matchMedia(FINE_POINTER).matches) this.#composer.focus();
  }

  /** Shows a message of this chat, wherever in the past it is. */
  show(message) {
    this.#thread.show(message);
  }

  look() {
    if (this.#conversation) this.#thread.look();
  }

  /** Somebody has come back to the page, or does something in it. */
  attend() {
    this.#thread.attend();
  }

  render() {
    const conversation = this.#present;
    if (!conversation) return;
    const { state } = this.#store;
    const { kind, open, muted } = conversation;
    const parts = this.#parts;
    const face = this.#directory.face(conversation);
    setText(parts.name, face.shown);
    drawAvatar(parts.avatar, face);
    const label = t(kind === "group" ? "chat.details.group" : "chat.details.person", { name: face.shown });
    parts.details.setAttribute("aria-label", label);
    parts.muted.toggleAttribute("hidden", !muted);
    this.#renderSubtitle(state, conversation);
    const elsewhere = unreadTotal(state) - calling(conversation);
    parts.elsewhere.hidden = elsewhere === 0;
    setText(parts.elsewhere, countLabel(elsewhere));
    parts.composer.hidden = !open;
    parts.text.disabled = !open;
    parts.closed.hidden = open;
    if (!open) this.#renderClosed(state, conversation, face.shown);
    if (kind === "group") this.#members.ensure(conversation);
    this.#thread.render();
    this.#actions.refresh();
  }

  get #present() {
    return this.#store.state.conversations.get(this.#conversation?.id);
  }

  #renderSubtitle(state, conversation) {
    const { kind, open, with: name, members } = conversation;
    const { presence, typing: line } = this.#parts;
    const writing = typingWords(state, conversation, this.#directory.shown);
    const online = state.friends.get(name)?.online ?? false;
    const heard = this.#heard();
    let words = open ? presenceWord(online, heard) : t("chat.stranger");
    if (kind === "group") words = t("chat.members", { count: members ?? 0 });
    setText(presence, words);
    presence.classList.toggle("online", kind !== "group" && open && online && heard);
    setText(line, writing);
  }

  #renderClosed(state, { with: name }, shown) {
    const { closedText, askAgain } = this.#parts;
    const direction = state.requests.get(name)?.direction ?? "none";
    const closed = direction === "none" && this.#directory.of(name).gone ? "gone" : direction;
    const relation = state.blocked.has(name) ? "blocked" : closed;
    if (relation === "none") this.#askAbout(name);
    askAgain.hidden = ["outgoing", "blocked", "gone"].includes(relation);
    setText(askAgain, t(relation === "incoming" ? "people.accept" : "chat.ask.again"));
    setText(closedText, t(`chat.closed.${relation}`, { name: shown }));
  }

  /** A friendship may have ended because the account did: then there is nobody to ask. */
  async #askAbout(name) {
    if (this.#asked) return;
    this.#asked = true;
    try {
      this.#directory.learn([(await this.#api.user(name)).user]);
      this.#store.touch();
    } catch {
      // Then one may ask, and is told.
    }
  }

  /** Whom one can name with @ here. */
  #candidates() {
    const { kind, with: name, id } = this.#conversation;
    const names = kind === "group" ? this.#members.of(id).map((one) => one.name) : [name];
    return names.filter((one) => one !== this.#store.state.me).map((one) => this.#directory.of(one));
  }

  async #remove(message, changes) {
    const sure = await confirm({ title: t("remove.title"), text: t("remove.text"), action: t("actions.remove") });
    if (sure) changes.remove(message);
  }

  async #unread(message, changes, act) {
    const marked = changes.unread(message);
    // It would be read again at once: one leaves it.
    act.close();
    await marked;
  }
}
