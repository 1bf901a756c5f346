/** The emoji picker: categories, search by name in the person's language, and by keyboard. Loaded on demand. */

import { language, t } from "../i18n.js";
import { readJson, writeJson } from "../storage.js";
import { h } from "./dom.js";
import { CATEGORIES } from "./emoji_data.js";
import { place } from "./menu.js";

const RECENT_KEY = "webchat.emoji";
const RECENT = 16;
const COLUMNS_FALLBACK = 8;

const ALL = CATEGORIES.map(({ name, emoji }) => ({
  name,
  emoji: emoji.map((line) => {
    const [character, en, zh] = line.split("|");
    return { character, name: language === "zh" ? zh : en, words: `${en} ${zh}` };
  }),
}));
const BY_CHARACTER = new Map(ALL.flatMap(({ emoji }) => emoji.map((one) => [one.character, one])));

/** `anchor` is what it hangs on and where the focus returns to; `choose(emoji)` gets the character. */
export function open({ anchor, choose }) {
  const list = h("div", { class: "emoji-list" });
  const name = h("p", { class: "emoji-name", "aria-hidden": "true" });
  const query = h("input", {
    type: "search", class: "input", placeholder: t("emoji.search"), "aria-label": t("emoji.search"), autocomplete: "off", spellcheck: false,
  });
  const picker = h("div", { class: "emoji", popover: "auto", role: "dialog", "aria-label": t("composer.emoji") });
  const pick = (character) => {
    remember(character);
    picker.hidePopover();
    choose(character);
  };
  const tabs = h("div", { class: "tabs" }, ...ALL.map((category) => tab(category, () => {
    query.value = "";
    draw();
    list.querySelector(`[data-category="${category.name}"]`)?.scrollIntoView();
  })));
  const draw = () => list.replaceChildren(...sections(query.value.trim(), pick));
  draw();
  picker.append(query, tabs, list, name);
  query.addEventListener("input", draw);
  list.addEventListener("focusin", ({ target }) => (name.textContent = target.title ?? ""));
  list.addEventListener("pointerover", ({ target }) => target.title && (name.textContent = target.title));
  picker.addEventListener("keydown", (event) => onKey(event, { list, query, pick }));
  picker.addEventListener("toggle", ({ newState }) => {
    if (newState === "open") return;
    const inside = picker.contains(document.activeElement) || document.activeElement === document.body;
    picker.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (inside && anchor.isConnected) anchor.focus({ preventScroll: true });
  });
  document.body.append(picker);
  picker.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  place(picker, anchor.getBoundingClientRect());
  query.focus();
}

function tab({ name, emoji }, onclick) {
  const label = t(`emoji.${name}`);
  return h("button", { type: "button", "aria-label": label, title: label, tabIndex: -1, onclick }, emoji[0].character);
}

function sections(query, pick) {
  if (query) {
    const words = query.toLocaleLowerCase().split(/\s+/);
    const found = ALL.flatMap(({ emoji }) => emoji).filter((one) => words.every((word) => one.words.includes(word)));
    return [found.length > 0 ? grid("found", found, pick) : h("p", { class: "hint" }, t("emoji.nothing"))];
  }
  const recent = readJson(localStorage, RECENT_KEY, []).map((one) => BY_CHARACTER.get(one)).filter(Boolean);
  const named = recent.length > 0 ? [{ name: "recent", emoji: recent }, ...ALL] : ALL;
  return named.flatMap(({ name, emoji }) => [
    h("h3", { data: { category: name } }, t(`emoji.${name}`)),
    grid(name, emoji, pick),
  ]);
}

function grid(name, emoji, pick) {
  const buttons = emoji.map((one) =>
    h("button", { type: "button", tabIndex: -1, title: one.name, "aria-label": one.name, onclick: () => pick(one.character) }, one.character));
  if (name !== "recent" && buttons[0]) buttons[0].tabIndex = 0;
  return h("div", { class: "emoji-grid", role: "group", "aria-label": t(`emoji.${name}`) }, ...buttons);
}

function onKey(event, { list, query, pick }) {
  const all = [...list.querySelectorAll(".emoji-grid button")];
  const now = all.indexOf(document.activeElement);
  if (document.activeElement === query) {
    if (event.key === "ArrowDown") all[0]?.focus();
    else if (event.key === "Enter" && query.value.trim() && all[0]) pick(all[0].textContent);
    else return;
    return event.preventDefault();
  }
  if (now < 0) return;
  const columns = columnsOf(all[now]);
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (by) {
    event.preventDefault();
    if (now + by < 0) query.focus();
    else all[Math.min(all.length - 1, now + by)].focus();
  } else if (event.key.length === 1 && event.key !== " ") query.focus();
}

const columnsOf = (button) =>
  getComputedStyle(button.parentElement).gridTemplateColumns.split(" ").length || COLUMNS_FALLBACK;

function remember(character) {
  const before = readJson(localStorage, RECENT_KEY, []).filter((one) => one !== character);
  writeJson(localStorage, RECENT_KEY, [character, ...before].slice(0, RECENT));
}
