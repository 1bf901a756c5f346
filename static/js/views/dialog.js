/** Native dialogs: the browser traps the focus, closes on Escape, and gives the focus back. */

import { t } from "../i18n.js";
import { h, iconButton } from "./dom.js";

/**
 * Shows a dialog with a title, a body and buttons; resolves to its `returnValue` once it is closed. `draw(body, dialog)`
 * fills the body in; `actions` are elements. A press on what is around it closes it.
 */
export function openDialog({ title, draw, actions = [], kind = "", onclose }) {
  const id = `dialog-${(count += 1)}`;
  const body = h("div", { class: "dialog-body" });
  const heading = h("h2", { id }, title);
  const dialog = h("dialog", { class: `dialog ${kind}`.trim(), "aria-labelledby": id });
  const close = iconButton("close", t("dialog.close"), () => dialog.close());
  dialog.append(h("header", {}, heading, kind !== "question" && close), body);
  draw(body, dialog);
  if (actions.length > 0) dialog.append(h("div", { class: "dialog-actions" }, ...actions));
  const closed = show(dialog, onclose);
  // On a touch screen the keyboard would hide what one is asked.
  if (matchMedia("(pointer: fine)").matches) body.querySelector("form :is(input, textarea):not([hidden], [type=checkbox])")?.focus();
  return closed;
}

let count = 0;

/** Shows a `<dialog>` until it is closed, and resolves to its `returnValue`. */
export function show(dialog, onclose) {
  document.body.append(dialog);
  return new Promise((resolve) => {
    // A press on the backdrop has the dialog itself as its target; a drag that began inside does not count.
    let pressed = null;
    dialog.addEventListener("pointerdown", ({ target }) => (pressed = target));
    dialog.addEventListener("click", ({ target }) => target === dialog && pressed === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      onclose?.();
      resolve(dialog.returnValue);
    });
    dialog.showModal();
  });
}

/** Asks before something that cannot be undone. Resolves to whether it was confirmed. */
export async function confirm({ title, text, action, danger = true }) {
  const yes = h("button", { type: "button", class: `button ${danger ? "danger" : "primary"}` }, action);
  const no = h("button", { type: "button", class: "button quiet", autofocus: true }, t("dialog.cancel"));
  const answer = openDialog({
    title,
    kind: "question",
    draw: (body, dialog) => {
      body.append(h("p", { class: "soft" }, text));
      yes.addEventListener("click", () => dialog.close("confirmed"));
      no.addEventListener("click", () => dialog.close());
    },
    actions: [no, yes],
  });
  return (await answer) === "confirmed";
}

/** Ends all dialogs: the session that they were about is over. */
export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}
