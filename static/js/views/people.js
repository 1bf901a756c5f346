/** People whom one may want as friends: search results and requests, each with what can be done. */

import { t } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate, reconcile, setText } from "./dom.js";

/** What one can do about somebody, by the relation to them: the key of the word, and which act it is. */
const CHOICES = {
  none: { first: ["people.ask", "ask"] },
  outgoing: { note: "people.asked", second: ["people.withdraw", "end"] },
  incoming: { first: ["people.accept", "accept"], second: ["people.decline", "end"] },
  friend: { first: ["people.chat", "talk"] },
  blocked: { note: "people.blocked", second: ["people.unblock", "unblock"] },
};

/** The relation as the state has it now; what a search said may be old. */
export function relationTo({ friends, requests, blocked }, name) {
  if (blocked?.has(name)) return "blocked";
  return friends.has(name) ? "friend" : (requests.get(name)?.direction ?? "none");
}

/** Draws `people` (`{name, shown, avatar, relation, note?}`); `act[what](name)` does what a button says. */
export function renderPeople(list, people, act) {
  reconcile(list, people, {
    key: ({ name }) => name,
    create: ({ name }) => create(name, act),
    update: (parts, person, element) => {
      const { note, first, second } = CHOICES[person.relation];
      element.classList.toggle("two", Boolean(first && second));
      setText(parts.name, person.shown);
      drawAvatar(parts.avatar, person);
      setText(parts.note, person.note || (note ? t(note) : person.shown === person.name ? "" : person.name));
      label(parts.first, first, person.shown);
      label(parts.second, second, person.shown);
    },
  });
}

function create(name, act) {
  const { element, parts } = fromTemplate("person");
  element.dataset.name = name;
  parts.card.addEventListener("click", () => act.card(name));
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
  const [word, what] = choice;
  setText(button, t(word));
  button.setAttribute("aria-label", t("people.labelled", { word: t(word), name }));
  button.dataset.act = what;
}
