/** How the chat behaves: language, colours, notifications; and what others are told of one. */

import { chooseLanguage, language, languages, t, wording } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h, icon } from "../dom.js";
import { segments, toggle } from "./form.js";

const THEMES = ["system", "light", "dark"];

/** `about`: "language", where it has just been chosen. */
export function open(deps, about) {
  const shown = openDialog({ title: t("me.settings"), draw: (body, dialog) => body.append(...content(deps, dialog)) });
  if (about) document.querySelector(`.dialog input[value="${language}"]`)?.focus();
  return shown;
}

function content({ api, store, notify, say, dialog: show, again }, dialog) {
  const theme = globalThis.webchatTheme;
  const { invisible, hide_receipts: noReceipts, hide_typing: noTyping } = store.state.profile;
  const change = (key, sense) => async (on) => {
    const { me } = await api.changeMe({ [key]: on === sense });
    store.applyEvents([{ type: "me", me }]);
  };
  const then = (module) => () => { dialog.close(); show(module); };
  const choice = (symbol, word, onclick, danger) => h("button", { type: "button", class: danger ? "danger" : "", onclick }, icon(symbol), t(word));
  return [
    h("h3", {}, t("settings.look")),
    segments(t("settings.theme"), THEMES.map((one) => [one, t(`theme.${one}`)]), theme.chosen, (one) => theme.choose(one)),
    segments(t("language.choose"), Object.entries(languages).map(([code, { name }]) => [code, name]), language, (code) => {
      again("language");
      chooseLanguage(code);
    }),
    ...(notify ? [h("h3", {}, t("settings.notices")), ...notices(notify, say)] : []),
    h("h3", {}, t("settings.privacy")),
    toggle(t("settings.receipts"), { note: t("settings.receipts.note"), on: !noReceipts, say, changed: change("hide_receipts", false) }),
    toggle(t("settings.typing"), { note: t("settings.typing.note"), on: !noTyping, say, changed: change("hide_typing", false) }),
    toggle(t("settings.invisible"), { note: t("settings.invisible.note"), on: Boolean(invisible), say, changed: change("invisible", true) }),
    h("h3", {}, t("settings.account")),
    h("div", { class: "choice-list" },
      choice("block", "settings.blocked", then("blocked")),
      choice("devices", "me.sessions", then("sessions")),
      choice("key", "settings.password", then("password")),
      choice("download", "settings.data", () => saveData(api, say)),
      choice("trash", "settings.delete", then("delete_account"), true)),
  ];
}

function notices(notify, say) {
  const ask = async (on) => {
    if (on && !(await notify.allow())) {
      say(t("settings.notices.denied"));
      throw new Refused();
    }
    notify.set("notifications", on);
  };
  return [
    toggle(t("settings.notices.show"), { note: t("settings.notices.note"), on: notify.get("notifications"), say: () => {}, changed: ask }),
    toggle(t("settings.sound"), { on: notify.get("sound"), say, changed: (on) => notify.set("sound", on) }),
  ];
}

/** The person was told already. */
class Refused extends Error {}

async function saveData(api, say) {
  try {
    const data = await api.data();
    const href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
    h("a", { href, download: "webchat-data.json" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  } catch (error) {
    say(wording(error));
  }
}
