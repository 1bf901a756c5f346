/** A new group: its name, and which friends are in it. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { choices } from "./choices.js";
import { field, form, Refusal, required } from "./form.js";

const NAME_MAX = 64;

export function open({ api, store, directory, show }) {
  const friends = [...store.state.friends.keys()].map((name) => directory.of(name));
  return openDialog({
    title: t("group.new"),
    draw(body, dialog) {
      if (friends.length === 0) return body.append(h("p", { class: "soft" }, t("group.no.friends")));
      const name = field(t("group.name"), { maxLength: NAME_MAX, dir: "auto", autocomplete: "off" });
      const picked = choices(t("group.members"), friends);
      const create = async () => {
        const called = required(name, t("group.name.required"));
        const members = picked.chosen();
        if (members.length === 0) throw new Refusal(t("group.members.required"));
        const { conversation } = await api.createGroup(called, members);
        store.applyConversation(conversation);
        dialog.close();
        show(conversation);
      };
      body.append(form([name.element, picked.element], {
        submit: t("group.create"), act: create, at: { bad_name: [name, t("group.name.bad")] },
      }));
    },
  });
}
