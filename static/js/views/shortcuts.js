/** Keys that work everywhere on the main screen, but not while one writes (where they have letters) or in a dialog. */

export class Shortcuts {
  #act;

  constructor({ signal, act }) {
    this.#act = act;
    addEventListener("keydown", (event) => this.#onKey(event), { signal });
  }

  #onKey(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], [popover]:popover-open:not(.toast)")) return;
    const does = this.#find(event);
    if (!does) return;
    event.preventDefault();
    does();
  }

  #find({ key, altKey, ctrlKey, metaKey, target }) {
    const { search, step, newGroup, help, settings } = this.#act;
    const command = ctrlKey || metaKey;
    if (command && !altKey) return { k: search, ",": settings }[key.toLowerCase()];
    if (altKey && !command) return { ArrowUp: () => step(-1), ArrowDown: () => step(1), n: newGroup }[key];
    const writes = target.closest?.("input, textarea, select");
    return writes ? null : { "/": search, "?": help }[key];
  }
}
