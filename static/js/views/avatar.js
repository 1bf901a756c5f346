import { hueOf, initials } from "../format.js";

/** A disc with the name's initials on the name's own colour. */
export function drawAvatar(element, name) {
  if (element.dataset.of === name) return;
  element.dataset.of = name;
  element.textContent = initials(name);
  element.style.setProperty("--hue", hueOf(name));
}
