/** Asks somebody to be friends, with a few words if one likes. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { field, form } from "./form.js";

const NOTE_MAX = 200;

export function open({ friendships, directory }, name) {
  return openDialog({
    title: t("ask.title", { name: directory.shown(name) }),
    draw(body, dialog) {
      const note = field(t("ask.note"), { lines: 3, maxLength: NOTE_MAX, dir: "auto", placeholder: t("ask.placeholder") });
      const act = async () => {
        dialog.close();
        await friendships.ask(name, note.input.value.trim() || undefined);
      };
      body.append(h("p", { class: "soft" }, t("ask.text")), form([note.element], { submit: t("ask.send"), act }));
    },
  });
}
