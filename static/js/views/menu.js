/** A button that opens a menu: Escape, a click elsewhere or a choice closes it. */

export class Menu {
  #button;
  #menu;

  constructor(button, menu) {
    this.#button = button;
    this.#menu = menu;
    button.addEventListener("click", () => this.#toggle(menu.hidden));
    menu.addEventListener("click", () => this.#toggle(false));
    button.parentElement.addEventListener("keydown", (event) => this.#key(event));
    button.parentElement.addEventListener("focusout", ({ relatedTarget }) => {
      if (!button.parentElement.contains(relatedTarget)) this.#toggle(false);
    });
  }

  #toggle(open) {
    this.#menu.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    if (open) this.#menu.querySelector("[role=menuitem]").focus();
  }

  #key(event) {
    if (event.key !== "Escape" || this.#menu.hidden) return;
    event.stopPropagation();
    this.#toggle(false);
    this.#button.focus();
  }
}
