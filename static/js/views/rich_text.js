/**
 * What people type as what it means: links (http and https only), `code`, ```blocks of code```, @mentions. `tokensOf` is
 * pure; `fillText` makes elements of it. All of it stays text.
 */

import { t } from "../i18n.js";
import { h, iconButton } from "./dom.js";

const BLOCK = /```(?:[\w+#.-]*\n)?\n?([\s\S]+?)\n?```\n?/g;
const INLINE = /`([^`\n]+)`|(https?:\/\/[^\s<>"'`，。！？；：（）《》【】「」、]+)|(?<![\w@.-])@([A-Za-z0-9_][A-Za-z0-9_.-]*)/g;
/** What ends a sentence and not an address. */
const TRAILING = /[.,;:!?*_~'")\]}]+$/;
const JUMBO = /^\s*(?:\p{RGI_Emoji}\s*){1,3}$/v;

/** `[{kind: "text" | "code" | "block" | "link" | "mention", text}]` */
export function tokensOf(text, mentions = []) {
  const tokens = [];
  let end = 0;
  for (const match of text.matchAll(BLOCK)) {
    tokens.push(...inlineOf(text.slice(end, match.index), mentions), { kind: "block", text: match[1] });
    end = match.index + match[0].length;
  }
  return [...tokens, ...inlineOf(text.slice(end), mentions)];
}

function inlineOf(text, mentions) {
  const tokens = [];
  let end = 0;
  const push = (kind, from, to, shown = text.slice(from, to)) => {
    if (from > end) tokens.push({ kind: "text", text: text.slice(end, from) });
    tokens.push({ kind, text: shown });
    end = to;
  };
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, address, name] = match;
    const from = match.index;
    if (code) push("code", from, from + whole.length, code);
    else if (address) {
      const link = linkOf(address);
      if (link) push("link", from, from + link.length);
    } else {
      const known = mentionOf(name, mentions);
      if (known) push("mention", from, from + 1 + known.length);
    }
  }
  if (end < text.length) tokens.push({ kind: "text", text: text.slice(end) });
  return tokens;
}

/** The address without what belongs to the sentence around it; a closing bracket stays where it was opened. */
function linkOf(written) {
  let link = written;
  for (let tail; (tail = link.match(TRAILING)?.[0]); ) {
    const last = tail.at(-1);
    const opened = { ")": "(", "]": "[", "}": "{" }[last];
    if (opened && link.split(opened).length >= link.split(last).length) break;
    link = link.slice(0, -1);
  }
  try {
    const { protocol, hostname } = new URL(link);
    return /^https?:$/.test(protocol) && hostname ? link : null;
  } catch {
    return null;
  }
}

function mentionOf(written, mentions) {
  for (let name = written; name; name = name.slice(0, -1)) {
    if (mentions.some((one) => one.toLowerCase() === name.toLowerCase())) return name;
    if (!/[.-]$/.test(name)) return null;
  }
  return null;
}

/** Whether a text is nothing but one to three emoji. */
export const isJumbo = (text) => text.length < 40 && JUMBO.test(text);

export function fillText(element, { text, mentions }, me) {
  element.classList.toggle("jumbo", isJumbo(text));
  element.replaceChildren(...tokensOf(text, mentions).map((token) => draw(token, me)));
}

function draw({ kind, text }, me) {
  if (kind === "link") return h("a", { href: text, target: "_blank", rel: "noopener noreferrer nofollow", dir: "auto" }, text);
  if (kind === "code") return h("code", { dir: "ltr" }, text);
  if (kind === "block") return block(text);
  if (kind !== "mention") return text;
  return h("span", { class: text.slice(1).toLowerCase() === me.toLowerCase() ? "at self" : "at" }, text);
}

function block(text) {
  const copy = iconButton("copy", t("message.copy.code"), () => navigator.clipboard?.writeText(text), { tabIndex: -1 });
  return h("div", { class: "code", dir: "ltr" }, h("pre", { tabIndex: 0, role: "region", "aria-label": t("message.code") }, h("code", {}, text)), copy);
}
