/** Times and texts for people, in the manner of their language and country. */

import { locale, t } from "./i18n.js";

const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(locale, { weekday: "short" });
const dayAndMonth = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const fullDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
const complete = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" });

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
/** Rounded, since a day may have 23 or 25 hours. */
const daysAgo = (date, now) => Math.round((midnight(now) - midnight(date)) / DAY_MS);

export const timeOfDay = (iso) => clock.format(new Date(iso));
export const completeTime = (iso) => complete.format(new Date(iso));

/** Equal for two times in the same minute (day) of the reader's clock. */
export const minuteOf = (iso) => Math.floor(new Date(iso).getTime() / 60_000);
export const dayOf = (iso) => midnight(new Date(iso));

/** The heading over a day's messages. */
export function dayName(iso, now = new Date()) {
  const date = new Date(iso);
  const days = daysAgo(date, now);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  if (days > 1 && days < 7) return weekday.format(date);
  return (date.getFullYear() === now.getFullYear() ? dayAndMonth : fullDay).format(date);
}

/** A time short enough for the list of friends. */
export function listTime(iso, now = new Date()) {
  const date = new Date(iso);
  const days = daysAgo(date, now);
  if (days === 0) return clock.format(date);
  if (days === 1) return t("day.yesterday");
  return (days > 1 && days < 7 ? shortWeekday : shortDay).format(date);
}

/** "AL" of "ada.lovelace", "LI" of "linus". */
export function initials(name) {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? [...words[0]][0] + [...words[1]][0] : [...name].slice(0, 2).join("");
  return letters.toLocaleUpperCase();
}

/** Degrees in oklch. Between 70 and 130 a dark colour is mud, so none are there. */
const HUES = [5, 28, 50, 145, 165, 190, 215, 240, 262, 285, 310, 335];

/** A hue that is always the same for the same name. */
export function hueOf(name) {
  let hash = 0;
  for (const letter of name.toLowerCase()) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return HUES[hash % HUES.length];
}

/** Characters as the server counts them: code points. */
export function countCharacters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** `heard`: false while the line is down, and what was last heard may be over. */
export const presenceWord = (online, heard) => t(heard ? (online ? "presence.online" : "presence.offline") : "presence.unknown");
