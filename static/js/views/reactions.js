/** Emoji: those that people put under a message, where a press adds or takes back one's own; and the picker. */

import { t } from "../i18n.js";
import { h } from "./dom.js";

export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🎉"];
/** More names than these are counted only. */
const NAMES = 10;

export function drawReactions(parts, message, element, context) {
  const reactions = Object.entries(message.reactions ?? {}).filter(([, names]) => names.length > 0);
  parts.reactions?.remove();
  parts.reactions = null;
  if (reactions.length === 0) return;
  parts.reactions = h("div", { class: "reactions", role: "group", "aria-label": t("reactions.label") });
  parts.reactions.append(...reactions.map(([emoji, names]) => reaction(emoji, names, message, context)));
  element.append(parts.reactions);
}

function reaction(emoji, names, message, { me, directory, act }) {
  const mine = names.includes(me);
  const who = names.slice(0, NAMES).map((name) => (name === me ? t("person.you") : directory.shown(name)));
  if (names.length > NAMES) who.push(t("reactions.others", { count: names.length - NAMES }));
  const label = t("reactions.who", { emoji, names: who.join(", ") });
  return h(
    "button",
    { type: "button", class: "reaction", "aria-pressed": String(mine), "aria-label": label, title: who.join(", "), onclick: () => act.react(message, emoji) },
    emoji, h("span", {}, String(names.length)),
  );
}

let opening = null;

/** Opens the emoji picker, which is loaded when it is first wanted; `choose(emoji)` gets what was picked. */
export async function openEmoji(options) {
  opening ??= import("./emoji_picker.js");
  try {
    (await opening).open(options);
  } catch {
    // The line is down; the next press tries again.
    opening = null;
  }
}
