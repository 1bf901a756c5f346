/** The right side while a chat is open: who it is with, the thread, and where one writes. */

import { presenceWord } from "../format.js";
import { t } from "../i18n.js";
import { unreadTotal } from "../state.js";
import { drawAvatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { confirm } from "./dialog.js";
import { countLabel, fromTemplate, setText } from "./dom.js";
import { Menu } from "./menu.js";
import { Thread } from "./thread.js";

/** On a touch screen the focus would raise the keyboard over what one came to read. */
const FINE_POINTER = "(hover: hover) and (pointer: fine)";

export class Chat {
  #parts;
  #store;
  #heard;
  #composer;
  #thread;
  #conversation = null;

  /** Draws one chat after another into the same elements. */
  constructor({ store, outbox, drafts, history, marks, act, heard, close }) {
    const { element, parts } = fromTemplate("chat");
    this.element = element;
    this.#parts = parts;
    this.#store = store;
    this.#heard = heard;
    this.#thread = new Thread(parts, { store, outbox, history, marks });
    this.#composer = new Composer(parts, {
      drafts,
      send: (text) => {
        this.#thread.sent();
        outbox.add(this.#conversation.id, text);
      },
    });
    new Menu(parts.menuButton, parts.menu);
    parts.back.addEventListener("click", close);
    parts.end.addEventListener("click", () => this.#end(act));
    parts.askAgain.addEventListener("click", () => act.ask(this.#conversation.with));
  }

  open(conversation) {
    const again = this.#conversation?.id === conversation.id;
    this.#conversation = conversation;
    if (!again) {
      this.#thread.open(conversation);
      this.#composer.open(conversation.with);
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

  /** Shows a message `{id, number}` of the open conversation. */
  show(message) {
    return this.#thread.show(message);
  }

  look() {
    if (this.#conversation) this.#thread.look();
  }

  render() {
    const { state } = this.#store;
    const conversation = state.conversations.get(this.#conversation?.id);
    if (!conversation) return;
    const { with: name, open, unread } = conversation;
    const parts = this.#parts;
    setText(parts.name, name);
    drawAvatar(parts.avatar, name);
    const online = state.friends.get(name)?.online ?? false;
    const heard = this.#heard();
    setText(parts.presence, open ? presenceWord(online, heard) : t("chat.not_friend"));
    parts.presence.classList.toggle("online", open && online && heard);
    const elsewhere = unreadTotal(state) - unread;
    parts.elsewhere.hidden = elsewhere === 0;
    setText(parts.elsewhere, countLabel(elsewhere));
    parts.menuButton.hidden = !open;
    parts.composer.hidden = !open;
    parts.text.disabled = !open;
    parts.closed.hidden = open;
    const asked = state.requests.get(name)?.direction === "outgoing";
    const wants = state.requests.get(name)?.direction === "incoming";
    parts.askAgain.hidden = asked;
    setText(parts.askAgain, t(wants ? "chat.accept" : "chat.ask_again"));
    setText(parts.closedText, closedSentence(name, { asked, wants }));
    this.#thread.render();
  }

  async #end(act) {
    const name = this.#conversation.with;
    const sure = await confirm({
      title: t("chat.end_question", { name }),
      text: t("chat.end_text"),
      action: t("chat.end_action"),
    });
    if (sure) await act.end(name);
  }
}

function closedSentence(name, { asked, wants }) {
  if (asked) return t("chat.asked", { name });
  return t(wants ? "chat.wants" : "chat.closed", { name });
}
