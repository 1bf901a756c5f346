/** The list of conversations, direct and groups alike, the latest first. */

import { listTime, presenceWord } from "../format.js";
import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { countLabel, fromTemplate, reconcile, setStateIcon, setText } from "./dom.js";
import { draftKey, snippetOf } from "./snippets.js";
import { typingWords } from "./typing.js";

/** All conversations worth a line: open ones, and those in which something was said. */
export function talksOf({ conversations }, face) {
  const lines = [...conversations.values()].filter((one) => one.open || one.kind === "group" || one.last_message);
  const title = (one) => face(one).shown;
  return lines.sort((one, other) => lastTalk(other) - lastTalk(one) || title(one).localeCompare(title(other)));
}

const lastTalk = ({ last_message: last }) => (last ? Date.parse(last.sent_at) : 0);

export class TalksView {
  #list;
  #deps;

  /** `open(conversation)` opens it; `outbox` and `drafts` show what is not sent yet; `heard()`: is presence known? */
  constructor(list, deps) {
    this.#list = list;
    this.#deps = deps;
  }

  render(talks, state, current) {
    reconcile(this.#list, talks, {
      key: ({ id }) => String(id),
      create: (talk) => this.#create(talk),
      update: (parts, talk) => this.#update(parts, talk, state, current === talk.id),
    });
  }

  #create({ id, kind, with: name }) {
    const { element, parts } = fromTemplate("talk");
    const button = element.firstElementChild;
    button.dataset.conversation = id;
    if (kind !== "group") button.dataset.name = name;
    // The line stays in place and opening twice is opening once: a double-click is as good as a click.
    button.addEventListener("click", () => this.#deps.open(id));
    button.addEventListener("contextmenu", (event) => this.#deps.menu(event, id, button));
    return { element, parts: { ...parts, button } };
  }

  #update(parts, talk, state, current) {
    const { directory, heard } = this.#deps;
    const face = directory.face(talk);
    if (current) parts.button.setAttribute("aria-current", "true");
    else parts.button.removeAttribute("aria-current");
    parts.button.classList.toggle("past", !talk.open);
    setText(parts.name, face.shown);
    drawAvatar(parts.avatar, face);
    const friend = talk.kind === "group" ? null : state.friends.get(talk.with);
    parts.presence.hidden = !friend;
    const shown = heard() ? String(friend?.online) : "unknown";
    if (parts.presence.dataset.online !== shown) parts.presence.dataset.online = shown;
    if (friend) setText(parts.presenceText, presenceWord(friend.online, heard()));
    this.#updateLine(parts, talk, state, current);
    parts.muted.toggleAttribute("hidden", !talk.muted);
    parts.at.hidden = !talk.mentioned;
    parts.badge.hidden = !talk.unread;
    parts.badge.classList.toggle("muted", Boolean(talk.muted));
    setText(parts.count, countLabel(talk.unread));
    setText(parts.unreadWord, ` ${t("talk.unread")}`);
  }

  #updateLine(parts, talk, state, current) {
    const { drafts, outbox, directory } = this.#deps;
    const snippet = snippetOf(talk, {
      draft: current ? "" : drafts.get(draftKey(talk)).trim(),
      waiting: outbox.of(talk.id).at(-1),
      me: state.me,
      shown: directory.shown,
      typing: typingWords(state, talk, directory.shown),
    });
    setText(parts.prefix, snippet.prefix);
    parts.prefix.classList.toggle("draft", Boolean(snippet.draft));
    setText(parts.snippet, snippet.text);
    parts.snippet.classList.toggle("faint", Boolean(snippet.faint));
    parts.line.classList.toggle("typing", Boolean(snippet.typing));
    setStateIcon(parts.icon, snippet.state ?? null);
    setText(parts.time, snippet.at ? listTime(snippet.at) : "");
    parts.time.dateTime = snippet.at ?? "";
  }
}
