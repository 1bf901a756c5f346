/**
 * Menus that open at a button or at a point. The browser's popover closes them on Escape and on a press elsewhere, and
 * keeps them above everything; the arrow keys, Home, End and the first letters move in them.
 *
 *   item = {label, icon?, act, danger?, checked?, keys?, face?} | "line" | {quick: [{label, text | icon, act}]}
 */

import { h, icon } from "./dom.js";

const EDGE_PX = 8;

/** Makes `button` open the menu of `items()`. */
export function attachMenu(button, items, options) {
  // A press on the button of the open menu closes it; the click that follows must not open it again.
  let wasOpen = false;
  button.addEventListener("pointerdown", () => (wasOpen = button.getAttribute("aria-expanded") === "true"));
  button.addEventListener("click", () => {
    if (!wasOpen) openMenu(items(), { anchor: button, ...options });
    wasOpen = false;
  });
}

/** `anchor` is an element, or `at: {x, y}` a point; `back` gets the focus in the end. */
export function openMenu(items, { anchor = null, at = null, label = "", back = anchor ?? document.activeElement }) {
  const menu = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": label || anchor?.getAttribute("aria-label") });
  menu.append(...items.filter(Boolean).map((item) => drawItem(item, menu)));
  menu.addEventListener("keydown", (event) => onKey(event, menu));
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState === "open") return;
    const inside = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    anchor?.setAttribute("aria-expanded", "false");
    if (inside && back?.isConnected) back.focus({ preventScroll: true });
  });
  // Inside an open dialog: what is outside of it is inert.
  (document.querySelector("dialog[open]:last-of-type") ?? document.body).append(menu);
  menu.showPopover();
  anchor?.setAttribute("aria-expanded", "true");
  place(menu, anchor ? anchor.getBoundingClientRect() : new DOMRect(at.x, at.y, 0, 0));
  entries(menu)[0]?.focus({ preventScroll: true });
  return menu;
}

function drawItem(item, menu) {
  if (item === "line") return h("hr");
  if (item.quick) return h("div", { class: "quick", role: "group" }, ...item.quick.map((one) => drawItem(one, menu)));
  const { label, icon: name, text, act, danger, checked, keys, face } = item;
  const choose = () => {
    menu.hidePopover();
    act();
  };
  const role = checked === undefined ? "menuitem" : "menuitemradio";
  const button = h("button", { type: "button", role, tabIndex: -1, onclick: choose, class: danger ? "danger" : null });
  if (checked !== undefined) button.setAttribute("aria-checked", String(checked));
  if (text) button.setAttribute("aria-label", label);
  if (face) button.append(face);
  if (name) button.append(icon(name));
  if (text) button.append(text);
  else if (!item.bare) button.append(h("span", {}, label));
  else button.setAttribute("aria-label", label);
  if (checked) button.append(icon("check"));
  if (keys) button.append(h("kbd", { "aria-hidden": "true" }, keys));
  return button;
}

const entries = (menu) => [...menu.querySelectorAll("[role^=menuitem]")];

function onKey(event, menu) {
  const all = entries(menu);
  const now = all.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  let next = null;
  if (step) next = all[(now + step + all.length) % all.length];
  else if (event.key === "Home") next = all[0];
  else if (event.key === "End") next = all.at(-1);
  else if (event.key === "Tab") menu.hidePopover();
  else if (event.key.length === 1 && event.key !== " ") {
    const letter = event.key.toLocaleLowerCase();
    const begins = (one) => one.textContent.trim().toLocaleLowerCase().startsWith(letter);
    next = [...all.slice(now + 1), ...all.slice(0, now + 1)].find(begins);
  }
  event.stopPropagation();
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Below the box (or above it, where there is more room), and within the window. */
export function place(element, box) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const rtl = getComputedStyle(element).direction === "rtl";
  // A menu of a button at the far side opens towards the middle.
  const farSide = box.left + box.width / 2 > innerWidth / 2;
  const left = farSide !== (rtl && box.width === 0) ? box.right - width : box.left;
  const below = box.bottom + 4;
  const above = box.top - height - 4;
  const top = below + height <= innerHeight - EDGE_PX || above < EDGE_PX ? below : above;
  element.style.setProperty("left", `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`);
  element.style.setProperty("top", `${Math.max(EDGE_PX, Math.min(top, innerHeight - height - EDGE_PX))}px`);
}
