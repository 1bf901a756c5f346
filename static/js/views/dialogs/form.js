/** What the forms of the dialogs share: fields, switches, one line of trouble, a button that waits for its answer. */

import { t, wording } from "../../i18n.js";
import { h } from "../dom.js";

let count = 0;

/** A labelled field; `props` are those of the input, or of the textarea where `lines` is given. */
export function field(label, { note = "", lines = 0, ...props } = {}) {
  const id = `field-${(count += 1)}`;
  const input = h(lines ? "textarea" : "input", { id, ...(lines ? { rows: lines } : {}), ...props });
  const words = h("p", { class: "note", id: `${id}-note` }, note);
  input.setAttribute("aria-describedby", words.id);
  const say = (sentence, invalid) => {
    words.textContent = sentence;
    if (invalid) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  /** Says what is wrong with it, until it is changed. */
  const refuse = (sentence) => {
    say(sentence, true);
    input.focus();
  };
  input.addEventListener("input", () => say(note, false));
  return { input, refuse, element: h("div", { class: "field" }, h("label", { htmlFor: id }, label), input, words) };
}

/** Something on or off; `changed(on)` may throw, and then it is as it was. */
export function toggle(label, { note, on, changed, say }) {
  const input = h("input", { type: "checkbox", role: "switch", checked: on });
  input.addEventListener("change", async () => {
    try {
      await changed(input.checked);
    } catch (error) {
      input.checked = !input.checked;
      say(wording(error));
    }
  });
  return h("label", { class: "switch" }, h("span", {}, label, note && h("small", {}, note)), input);
}

/** One of a few: `choices` is `[[value, label], …]`. */
export function segments(label, choices, chosen, changed) {
  const name = `choice-${(count += 1)}`;
  const items = choices.map(([value, words]) =>
    h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => changed(value) }), words));
  return h("div", { class: "field" }, h("span", { class: "legend", id: name }, label),
    h("div", { class: "segments", role: "radiogroup", "aria-labelledby": name }, ...items));
}

/**
 * A form around `parts` whose submit button does `act()`, says what went wrong, and cannot be pressed twice. `at` has by
 * the server's codes the fields that they are about, and the words where they are others than everywhere:
 * `{code: [field, sentence?]}`.
 */
export function form(parts, { submit, act, at = {}, danger = false }) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const button = h("button", { class: `button wide ${danger ? "danger" : "primary"}` }, submit);
  const element = h("form", { class: "stack", novalidate: "" }, ...parts, trouble, button);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.textContent = "";
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      const [field, sentence = error instanceof Refusal ? error.message : wording(error)] = at[error.code] ?? [error.field];
      if (field) field.refuse(sentence);
      else trouble.textContent = sentence;
    } finally {
      button.disabled = false;
    }
  });
  return element;
}

/** What the form itself finds wrong, in words; with a `field` it is said there. */
export class Refusal extends Error {
  constructor(sentence, field = null) {
    super(sentence);
    this.field = field;
  }
}

/** What is in a field, which must not be empty. */
export function required(field, sentence = t("form.required")) {
  const value = field.input.value.trim();
  if (!value) throw new Refusal(sentence, field);
  return value;
}
