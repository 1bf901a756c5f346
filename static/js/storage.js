/**
 * JSON in localStorage or sessionStorage. Storage may be forbidden, full or hold rubbish; the chat
 * then forgets a little, but works.
 */

export function readJson(storage, key, fallback) {
  try {
    return JSON.parse(storage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

/** An undefined or empty value removes the key. Gives whether it went well. */
export function writeJson(storage, key, value) {
  const empty = value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
  try {
    if (empty) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    // Nothing to be done, and nothing that the user could do.
    return false;
  }
}
