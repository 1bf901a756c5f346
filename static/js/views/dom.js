/** The few helpers that the views share. Nothing here, or anywhere, makes HTML from strings. */

import { fill } from "../i18n.js";

/** A fresh copy of `<template id="NAME-template">`'s one element, and its `data-ref` parts by name. */
export function fromTemplate(name) {
  const template = document.getElementById(`${name}-template`);
  const element = document.importNode(template.content, true).firstElementChild;
  fill(element);
  return { element, parts: partsOf(element) };
}

function partsOf(element) {
  const parts = {};
  if (element.dataset.ref) parts[element.dataset.ref] = element;
  for (const part of element.querySelectorAll("[data-ref]")) parts[part.dataset.ref] = part;
  return parts;
}

/**
 * An element for the views that are loaded on demand, and have no template in the page: `on…` listens, `class` and
 * whatever has a dash or is no property is an attribute, `data` goes to the dataset, the rest are properties.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name !== "list" && name in element) element[name] = value;
    else element.setAttribute(name === "class" ? "class" : name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** The page's symbol of this name; `title`-less: a button says in words what it does. */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  svg.append(document.createElementNS(SVG, "use"));
  svg.firstElementChild.setAttribute("href", `#icon-${name}`);
  return svg;
}

/** A round button that shows an icon and says `label`. */
export const iconButton = (name, label, onclick, props = {}) =>
  h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props }, icon(name));

/** Writes only what differs, so that screen readers and the layout hear of real changes only. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** "pending", "sent", "delivered", "read" or "failed" as an icon, or none. */
export function setStateIcon(svg, state) {
  svg.toggleAttribute("hidden", !state);
  if (svg.dataset.icon === (state ?? "")) return;
  svg.dataset.icon = state ?? "";
  if (state) svg.firstElementChild.setAttribute("href", `#icon-${state}`);
}

/** 1 … 99, then "99+". */
export const countLabel = (count) => (count > 99 ? "99+" : String(count));

const drawn = new WeakMap();

/** What `reconcile` has drawn into `parent`: a Map from key to `{element, parts}`. */
export const drawnIn = (parent) => drawn.get(parent) ?? new Map();

/**
 * Makes `parent`'s children mirror `items`: one element for each key, kept for as long as the key is
 * there (a click in progress, the focus and the scroll place live in elements).
 *
 * `key(item)` names it, `create(item)` gives `{element, parts}`, `update(parts, item, element)`
 * fills it in.
 */
export function reconcile(parent, items, { key, create, update }) {
  const before = drawnIn(parent);
  const after = new Map();
  for (const item of items) {
    const name = key(item);
    after.set(name, before.get(name) ?? create(item));
  }
  for (const [name, { element }] of before) if (!after.has(name)) element.remove();
  const focused = document.activeElement;
  let place = parent.firstElementChild;
  for (const item of items) {
    const { element, parts } = after.get(key(item));
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update(parts, item, element);
  }
  // Moving an element drops its focus.
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus();
  drawn.set(parent, after);
}
