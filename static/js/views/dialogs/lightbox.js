/** Pictures of a message, as large as the window: arrow keys step, Escape closes. */

import { t } from "../../i18n.js";
import { show } from "../dialog.js";
import { h, icon, iconButton } from "../dom.js";
import { addressOfFile } from "../files.js";

export function open(_deps, { pictures, at }) {
  let now = at;
  const name = h("span", { class: "clip", dir: "auto" });
  const image = h("img", { alt: "" });
  const save = h("a", { class: "icon-button", "aria-label": t("lightbox.save"), title: t("lightbox.save") }, icon("download"));
  const step = (by) => {
    now = (now + by + pictures.length) % pictures.length;
    const { id, name: title } = pictures[now];
    name.textContent = pictures.length > 1 ? `${title} (${now + 1}/${pictures.length})` : title;
    image.src = addressOfFile(id);
    image.alt = title;
    save.href = addressOfFile(id);
    save.download = title;
  };
  const dialog = h("dialog", { class: "lightbox", "aria-label": t("lightbox.label") });
  const figure = h("figure", {}, image);
  figure.addEventListener("click", ({ target }) => target === figure && dialog.close());
  dialog.append(h("header", {}, name, save, iconButton("close", t("dialog.close"), () => dialog.close())), figure);
  if (pictures.length > 1) {
    dialog.append(iconButton("back", t("lightbox.previous"), () => step(-1), { class: "icon-button step previous" }));
    dialog.append(iconButton("next", t("lightbox.next"), () => step(1), { class: "icon-button step next" }));
  }
  dialog.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") step(-1);
    if (key === "ArrowRight") step(1);
  });
  step(0);
  return show(dialog);
}
