/** What the tests of pure modules need to say what must be. */

/** Maps and sets as plain data, so that they can be compared. */
function plain(value) {
  if (value instanceof Map) return { map: [...value].map(plain) };
  if (value instanceof Set) return { set: [...value].map(plain) };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]));
}

export function equal(found, wanted, what = "") {
  const [one, other] = [found, wanted].map((value) => JSON.stringify(plain(value), null, 1));
  if (one !== other) throw new Error(`${what}\nfound: ${one}\nwanted: ${other}`);
}

export function ok(found, what) {
  if (!found) throw new Error(what);
}
