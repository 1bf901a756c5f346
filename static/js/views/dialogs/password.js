/** Another password. All other sessions end with the old one. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { field, form, Refusal, required } from "./form.js";

const SHORTEST = 8;

export function open({ api, store, say }) {
  return openDialog({
    title: t("settings.password"),
    draw(body, dialog) {
      const props = { type: "password", maxLength: 256 };
      const old = field(t("password.old"), { ...props, autocomplete: "current-password" });
      const fresh = field(t("password.new"), { ...props, autocomplete: "new-password", note: t("login.password_note") });
      const act = async () => {
        required(old, t("login.password_missing"));
        if ([...fresh.input.value].length < SHORTEST) throw new Refusal(t("login.password_note"), fresh);
        await api.changePassword(old.input.value, fresh.input.value);
        dialog.close();
        say(t("password.done"));
      };
      // Password managers want to know whose it is.
      const whose = h("input", { type: "text", autocomplete: "username", value: store.state.me, hidden: true, readOnly: true });
      body.append(h("p", { class: "soft" }, t("password.text")), form([whose, old.element, fresh.element], {
        submit: t("password.change"), act, at: { wrong_password: [old], bad_password: [fresh] },
      }));
    },
  });
}
