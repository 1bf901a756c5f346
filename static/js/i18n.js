/**
 * The language of the client: chosen by the user (kept in localStorage), or else by the browser. A catalogue is a small
 * module (`lang/`), loaded when it is chosen; every one has the same keys. Dates follow the user's own locale where it
 * is one of the language (en-GB, zh-TW), since a German month in an English sentence helps nobody.
 */

import { readJson, writeJson } from "./storage.js";

const KEY = "webchat.language";

/** `tag` is what the document says of itself. */
export const languages = {
  en: { name: "English", tag: "en", dir: "ltr", locale: "en-GB" },
  zh: { name: "简体中文", tag: "zh-Hans", dir: "ltr", locale: "zh-CN" },
};

const isOf = (code) => (wanted) => wanted.toLowerCase().split("-")[0] === code;

/** The language for somebody who has `chosen` one (or not) and whose browser `prefers` those, the first most. */
export function languageFor(chosen, prefers) {
  if (Object.hasOwn(languages, chosen)) return chosen;
  const codes = Object.keys(languages);
  return prefers.map((wanted) => codes.find((code) => isOf(code)(wanted))).find(Boolean) ?? "en";
}

export const language = languageFor(readJson(localStorage, KEY, ""), navigator.languages);
export const locale = navigator.languages.find(isOf(language)) ?? languages[language].locale;

const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);
let texts = {};

/** Loads the catalogue; to be awaited before anything is drawn. */
export async function loadLanguage() {
  texts = (await import(`./lang/${language}.js`)).default;
  const { tag, dir } = languages[language];
  document.documentElement.lang = tag;
  document.documentElement.dir = dir;
}

/** The user's choice. Everything is drawn anew by loading the page again; what was typed is kept. */
export function chooseLanguage(code) {
  writeJson(localStorage, KEY, code);
  location.reload();
}

/** The text of a key, with `{name}` filled in from `values`; `count` chooses among plural forms. */
export function t(key, values = {}) {
  const found = texts[key] ?? key;
  const text = typeof found === "string" ? found : (found[plural.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number.format(value) : value;
  });
}

/** What to say of an error: the server's refusals by their stable code, or else in the words of the server. */
export function wording({ code, message }) {
  const key = `problem.${code}`;
  return Object.hasOwn(texts, key) ? t(key) : message;
}

/**
 * Fills in what a template names by key: `data-t` is an element's text, `data-t-label` its label (and its title or
 * placeholder, where it has one).
 */
export function fill(root) {
  for (const part of withSelf(root, "[data-t]")) part.textContent = t(part.dataset.t);
  for (const part of withSelf(root, "[data-t-label]")) {
    const text = t(part.dataset.tLabel);
    part.setAttribute("aria-label", text);
    for (const name of ["title", "placeholder"]) if (part.hasAttribute(name)) part.setAttribute(name, text);
  }
}

const withSelf = (root, selector) => [...(root.matches(selector) ? [root] : []), ...root.querySelectorAll(selector)];
