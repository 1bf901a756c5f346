/** A list of people to tick, with a field that narrows it down where there are many. */

import { t } from "../../i18n.js";
import { avatarOf } from "../avatar.js";
import { h } from "../dom.js";

/** So many are seen at a glance. */
const FEW = 8;

/** `chosen()` gives the names that are ticked. */
export function choices(label, people) {
  const boxes = people.map((person) => {
    const box = h("input", { type: "checkbox", value: person.name });
    const words = h("span", {}, h("b", { dir: "auto" }, person.shown), person.shown !== person.name && h("small", {}, `@${person.name}`));
    const element = h("li", {}, h("label", {}, avatarOf(person, "middle"), words, box));
    return { box, element, words: `${person.shown} ${person.name}`.toLocaleLowerCase() };
  });
  const narrow = h("input", { type: "search", class: "input", placeholder: t("choices.search"), "aria-label": t("choices.search") });
  narrow.addEventListener("input", () => {
    const wanted = narrow.value.trim().toLocaleLowerCase();
    for (const { element, words } of boxes) element.hidden = !words.includes(wanted);
  });
  const list = h("ul", { class: "rows choices", "aria-label": label }, ...boxes.map(({ element }) => element));
  const element = h("div", { class: "stack" }, h("span", { class: "legend" }, label), boxes.length > FEW && narrow, list);
  return { element, chosen: () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value) };
}
