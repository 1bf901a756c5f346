import { fromTemplate } from "./dom.js";

/** Asks before something that cannot be undone. Resolves to whether it was confirmed. */
export function confirm({ title, text, action }) {
  const { element: dialog, parts } = fromTemplate("dialog");
  parts.title.textContent = title;
  parts.text.textContent = text;
  parts.confirm.textContent = action;
  document.body.append(dialog);
  return new Promise((resolve) => {
    parts.confirm.addEventListener("click", () => dialog.close("confirmed"));
    parts.cancel.addEventListener("click", () => dialog.close());
    // A click on the backdrop has the dialog itself as its target.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "confirmed");
    });
    dialog.showModal();
  });
}
