/**
 * The files of a message: pictures in boxes whose size is known before they are there, so that nothing jumps; all others
 * as a name to press on.
 */

import { locale, t } from "../i18n.js";
import { h, icon } from "./dom.js";

/** The longest side of one picture alone, and of one among others, in CSS pixels. */
const ALONE_PX = 320;
const AMONG_PX = 150;
const SMALLEST_PX = 48;

let addresses = null;

/** From now on files come from `{file(id), thumbnail(id)}`. */
export function useFiles(addressesOf) {
  addresses = addressesOf;
}

export const addressOfFile = (id) => addresses.file(id);
export const isPicture = ({ type, width }) => type.startsWith("image/") && Boolean(width);

/** `show(pictures, at)` opens them large. */
export function drawFiles(files, show) {
  const pictures = files.filter(isPicture);
  const box = h("div", { class: "files" });
  if (pictures.length > 0) {
    const grid = h("div", { class: pictures.length > 1 ? "files images" : "files" });
    grid.append(...pictures.map((file, at) => picture(file, pictures.length, () => show(pictures, at))));
    box.append(grid);
  }
  box.append(...files.filter((file) => !isPicture(file)).map(plain));
  return box;
}

function picture(file, count, onclick) {
  const { id, name, width, height, thumbnail } = file;
  const button = h("button", { type: "button", class: "picture", "aria-label": t("file.open", { name }), onclick });
  const scale = Math.min(1, ALONE_PX / Math.max(width, height));
  const [wide, high] = count > 1 ? [AMONG_PX, AMONG_PX] : [width * scale, height * scale];
  button.style.setProperty("width", `${Math.max(SMALLEST_PX, Math.round(wide))}px`);
  button.style.setProperty("aspect-ratio", `${Math.max(SMALLEST_PX, wide)} / ${Math.max(SMALLEST_PX, high)}`);
  const src = thumbnail ? addresses.thumbnail(id) : addresses.file(id);
  const fallBack = ({ target }) => target.replaceWith(icon("image"));
  button.append(h("img", { src, alt: "", loading: "lazy", decoding: "async", onerror: fallBack }));
  return button;
}

function plain({ id, name, size }) {
  return h(
    "a",
    { class: "file", href: addresses.file(id), download: name, "aria-label": t("file.download", { name }) },
    h("span", { class: "tile" }, icon("file")),
    h("span", {}, h("b", { dir: "auto" }, name), h("small", {}, sizeOf(size))),
  );
}

/** "640 B", "1.4 MB", in the user's language. */
export function sizeOf(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const number = bytes / 1000 ** step;
  const words = new Intl.NumberFormat(locale, {
    style: "unit", unit: units[step], unitDisplay: step ? "short" : "narrow", maximumFractionDigits: number < 10 && step ? 1 : 0,
  });
  // The narrow form stands close to its number; of bytes the others are whole words.
  return words.format(number).replace(/(\d)(\p{L})/u, "$1\u00a0$2");
}
