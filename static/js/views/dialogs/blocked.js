/** Whom one has blocked. */

import { t } from "../../i18n.js";
import { avatarOf } from "../avatar.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";

export function open({ store, directory, act }) {
  const stopped = new AbortController();
  return openDialog({
    title: t("settings.blocked"),
    draw(body) {
      const draw = () => {
        const rows = [...store.state.blocked].sort().map((name) => {
          const person = directory.of(name);
          const unblock = h("button", { type: "button", class: "button small quiet", onclick: () => act.unblock(name) }, t("people.unblock"));
          return h("li", {}, avatarOf(person, "middle"), h("span", {}, h("b", {}, person.shown)), unblock);
        });
        body.replaceChildren(
          h("p", { class: "soft" }, t(rows.length > 0 ? "block.text" : "blocked.nobody")), h("ul", { class: "rows" }, ...rows));
      };
      draw();
      store.addEventListener("change", draw, { signal: stopped.signal });
    },
    onclose: () => stopped.abort(),
  });
}
