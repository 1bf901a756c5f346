/** A disc with the person's picture, or their initials on the name's own colour; a group has a square with round corners. */

import { hueOf, initials } from "../format.js";
import { h } from "./dom.js";

/** `shown` is what people call them; `avatar` the picture's version, if there is one. */
export function drawAvatar(element, { name, shown = name, avatar = "", group = false }) {
  const of = `${name} ${shown} ${avatar}`;
  if (element.dataset.of === of) return;
  element.dataset.of = of;
  element.classList.toggle("group", group);
  element.textContent = initials(shown || name);
  element.style.setProperty("--hue", hueOf(name));
  if (avatar && addressOf) element.append(picture(name, avatar));
}

let addressOf = null;

/** From now on pictures come from `address(name, version)`: an image cannot say by itself which session asks. */
export function usePictures(address) {
  addressOf = address;
}

function picture(name, version) {
  // Should it not come, the initials are below.
  return h("img", { src: addressOf(name, version), alt: "", onerror: ({ target }) => target.remove() });
}

/** An avatar as a new element; `size` is "small", "middle", "huge" or nothing. */
export function avatarOf(who, size = "") {
  const element = h("span", { class: `avatar ${size}`.trim(), "aria-hidden": "true" });
  drawAvatar(element, who);
  return element;
}
