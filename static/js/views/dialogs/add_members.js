/** Adds friends to a group. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { choices } from "./choices.js";
import { form, Refusal } from "./form.js";

export function open({ api, store, directory, members }, id) {
  const inside = new Set(members.of(id).map(({ name }) => name));
  const friends = [...store.state.friends.keys()].filter((name) => !inside.has(name)).map((name) => directory.of(name));
  return openDialog({
    title: t("group.add"),
    draw(body, dialog) {
      if (friends.length === 0) return body.append(h("p", { class: "soft" }, t("group.all.inside")));
      const picked = choices(t("group.friends"), friends);
      const act = async () => {
        const names = picked.chosen();
        if (names.length === 0) throw new Refusal(t("group.members.required"));
        for (const name of names) store.applyConversation((await api.putMember(id, name)).conversation);
        members.take(id, (await api.conversation(id)).members);
        dialog.close();
      };
      body.append(form([picked.element], { submit: t("group.add.action"), act }));
    },
  });
}
