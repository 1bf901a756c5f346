/** The lines of the sidebar that open a chat: friends, and people one used to talk to. */

import { listTime, presenceWord } from "../format.js";
import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { countLabel, fromTemplate, reconcile, setStateIcon, setText } from "./dom.js";

/** Friends and past chats as lines, the latest talk first; `{name, online, friend, conversation}`. */
export function linesOf({ friends, conversations }) {
  const lines = [...friends.values()].map(({ name, online, conversation }) => ({
    name, online, friend: true, conversation: conversations.get(conversation),
  }));
  for (const conversation of conversations.values()) {
    const past = !conversation.open && conversation.last_message && !friends.has(conversation.with);
    if (past) lines.push({ name: conversation.with, online: false, friend: false, conversation });
  }
  return lines.sort((one, other) => lastTalk(other) - lastTalk(one) || one.name.localeCompare(other.name));
}

function lastTalk({ conversation }) {
  return conversation?.last_message ? Date.parse(conversation.last_message.sent_at) : 0;
}

export class FriendsView {
  #list;
  #deps;

  /** `open(name)` opens the chat; `outbox` and `drafts` show what is not sent yet; `heard()`: is presence known? */
  constructor(list, deps) {
    this.#list = list;
    this.#deps = deps;
  }

  render(lines, current) {
    reconcile(this.#list, lines, {
      key: ({ name }) => name,
      create: (line) => this.#create(line),
      update: (parts, line) => this.#update(parts, line, current === line.name),
    });
  }

  #create({ name, friend }) {
    const { element, parts } = fromTemplate("friend");
    const button = element.firstElementChild;
    button.dataset.name = name;
    button.classList.toggle("past", !friend);
    // The line stays in place and opening twice is opening once: a double-click is as good as a click.
    button.addEventListener("click", () => this.#deps.open(name));
    setText(parts.name, name);
    drawAvatar(parts.avatar, name);
    return { element, parts: { ...parts, button } };
  }

  #update(parts, { name, online, friend, conversation }, current) {
    if (current) parts.button.setAttribute("aria-current", "true");
    else parts.button.removeAttribute("aria-current");
    parts.presence.hidden = !friend;
    const heard = this.#deps.heard();
    const shown = heard ? String(online) : "unknown";
    if (parts.presence.dataset.online !== shown) parts.presence.dataset.online = shown;
    setText(parts.presenceText, presenceWord(online, heard));
    const { prefix, text, at, state } = this.#snippet(name, conversation, current);
    setText(parts.prefix, prefix);
    setText(parts.snippet, text);
    setStateIcon(parts.icon, state);
    setText(parts.time, at ? listTime(at) : "");
    parts.time.dateTime = at ?? "";
    const unread = conversation?.unread ?? 0;
    parts.badge.hidden = unread === 0;
    setText(parts.count, countLabel(unread));
  }

  /** A draft, or else what waits in the outbox, or else the last message. */
  #snippet(name, conversation, current) {
    const { drafts, outbox, me } = this.#deps;
    const last = conversation?.last_message;
    const waiting = conversation && outbox.of(conversation.id).at(-1);
    const draft = drafts.get(name).trim();
    const at = waiting?.created_at ?? last?.sent_at;
    if (draft && !current) return { prefix: t("list.draft"), text: firstLine(draft), at };
    if (waiting) return { prefix: "", text: firstLine(waiting.text), at, state: waiting.state };
    if (!last) return { prefix: "", text: t("list.empty"), at };
    return { prefix: last.from === me() ? t("list.you") : "", text: firstLine(last.text), at };
  }
}

/** Enough for a line of the list; the browser cuts it to the width. */
const firstLine = (text) => text.slice(0, 200).replace(/\s+/g, " ").trim();
