/** People whom one may want as friends: search results and requests, each with what can be done. */

import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate, reconcile, setText } from "./dom.js";

/** What one can do about somebody, by the relation to them. */
const CHOICES = {
  none: { note: "", first: ["people.ask", "ask"] },
  outgoing: { note: "people.asked", second: ["people.withdraw", "end"] },
  incoming: { note: "", first: ["people.accept", "accept"], second: ["people.decline", "end"] },
  friend: { note: "people.friend", first: ["people.chat", "open"] },
};

/** The relation as the state has it now; what a search said may be old. */
export function relationTo({ friends, requests }, name) {
  return friends.has(name) ? "friend" : (requests.get(name)?.direction ?? "none");
}

/** Draws `people` (`{name, relation}`); `act[what](name)` does what a button says. */
export function renderPeople(list, people, act) {
  reconcile(list, people, {
    key: ({ name }) => name,
    create: ({ name }) => create(name, act),
    update: (parts, { relation }, element) => {
      const { note, first, second } = CHOICES[relation];
      element.classList.toggle("two", Boolean(first && second));
      setText(parts.note, note ? t(note) : "");
      label(parts.first, first, parts.name.textContent);
      label(parts.second, second, parts.name.textContent);
    },
  });
}

function create(name, act) {
  const { element, parts } = fromTemplate("person");
  element.dataset.name = name;
  setText(parts.name, name);
  drawAvatar(parts.avatar, name);
  for (const button of [parts.first, parts.second]) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      await act[button.dataset.act](name);
      button.disabled = false;
    });
  }
  return { element, parts };
}

function label(button, choice, name) {
  button.hidden = !choice;
  if (!choice) return;
  const [key, what] = choice;
  const word = t(key);
  setText(button, word);
  button.setAttribute("aria-label", t("people.labelled", { word, name }));
  button.dataset.act = what;
}
