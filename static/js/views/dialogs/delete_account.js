/** The end of one's account: with the password, and with words that say what is lost. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { field, form, required } from "./form.js";

export function open({ accountActs }) {
  return openDialog({
    title: t("settings.delete"),
    draw(body, dialog) {
      const password = field(t("login.password"), { type: "password", autocomplete: "current-password", maxLength: 256 });
      const act = async () => {
        required(password, t("login.password_missing"));
        await accountActs.deleteAccount(password.input.value);
        dialog.close();
      };
      body.append(h("p", { class: "soft" }, t("delete.text")), form([password.element], {
        submit: t("delete.action"), act, at: { wrong_password: [password] }, danger: true,
      }));
    },
  });
}
