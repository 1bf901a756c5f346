import { languageFor } from "/static/js/i18n.js";
import en from "/static/js/lang/en.js";
import zh from "/static/js/lang/zh.js";
import { equal } from "./assert.js";

/** What a text wants to be filled in, whatever its forms. */
const names = (text) =>
  [...new Set(JSON.stringify(text).match(/\{\w+\}/g))].sort();

export function allCataloguesHaveTheSameKeysAndNames() {
  equal(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en)) equal(names(zh[key]), names(en[key]), key);
}

export function pluralTextsHaveEveryFormOfTheirLanguage() {
  for (const [locale, texts] of [["en", en], ["zh", zh]]) {
    const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories.sort();
    for (const [key, text] of Object.entries(texts)) {
      if (typeof text !== "string") equal(Object.keys(text).sort(), forms, key);
    }
  }
}

export function theUsersChoiceComesBeforeTheBrowsers() {
  equal(languageFor("", ["de-DE", "zh-TW", "en"]), "zh");
  equal(languageFor("", ["zh"]), "zh");
  equal(languageFor("", ["de-DE"]), "en");
  equal(languageFor("en", ["zh-CN"]), "en");
  equal(languageFor("tlh", ["zh-CN"]), "zh");
  equal(languageFor("toString", []), "en");
}
