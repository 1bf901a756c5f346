/** Another name for a group. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { field, form, required } from "./form.js";

const NAME_MAX = 64;

export function open({ api, store }, id) {
  return openDialog({
    title: t("group.rename"),
    draw(body, dialog) {
      const { name: before } = store.state.conversations.get(id);
      const name = field(t("group.name"), { maxLength: NAME_MAX, value: before, dir: "auto", autocomplete: "off" });
      const act = async () => {
        const called = required(name, t("group.name.required"));
        if (called !== before) store.applyConversation((await api.renameGroup(id, called)).conversation);
        dialog.close();
      };
      body.append(form([name.element], {
        submit: t("form.save"), act, at: { bad_name: [name, t("group.name.bad")] },
      }));
    },
  });
}
