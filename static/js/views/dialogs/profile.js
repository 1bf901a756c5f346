/** How one presents oneself: picture, name, a line of status. */

import { t, wording } from "../../i18n.js";
import { avatarOf } from "../avatar.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { field, form } from "./form.js";

const NAME_MAX = 64;
const STATUS_MAX = 140;

export function open({ api, store, directory, say }) {
  return openDialog({
    title: t("me.profile"),
    draw(body, dialog) {
      const { display_name: shown = "", status: before = "" } = store.state.profile;
      const name = field(t("profile.name"), { maxLength: NAME_MAX, value: shown, placeholder: store.state.me, dir: "auto", note: t("profile.name.note"), autocomplete: "off" });
      const status = field(t("profile.status"), { maxLength: STATUS_MAX, value: before, placeholder: t("profile.status.example"), dir: "auto", autocomplete: "off" });
      const act = async () => {
        await change({ api, store }, { display_name: name.input.value.trim(), status: status.input.value.trim() });
        dialog.close();
      };
      body.append(picture({ api, store, directory, say }), form([name.element, status.element], { submit: t("form.save"), act }));
    },
  });
}

async function change({ api, store }, changes) {
  const { me } = await api.changeMe(changes);
  store.applyEvents([{ type: "me", me }]);
}

function picture(deps) {
  const { store, directory, say, api } = deps;
  const box = h("div", { class: "avatar-edit" });
  const picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/gif", hidden: true });
  const run = async (act) => {
    box.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      say(wording(error));
    }
    box.removeAttribute("aria-busy");
    draw();
  };
  picker.addEventListener("change", () => run(async () => {
    const [blob] = picker.files;
    const { file } = await api.upload(blob, blob.name);
    await change(deps, { avatar: file.id });
  }));
  const draw = () => {
    const me = directory.of(store.state.me);
    const choose = h("button", { type: "button", class: "button", onclick: () => picker.click() }, t("profile.picture"));
    const remove = h("button", { type: "button", class: "button quiet", onclick: () => run(() => change(deps, { avatar: null })) }, t("profile.picture.remove"));
    box.replaceChildren(avatarOf(me, "huge"), h("div", { class: "stack" }, choose, me.avatar ? remove : ""), picker);
  };
  draw();
  return box;
}
