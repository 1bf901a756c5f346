/** Maps that are never changed: each function gives another one. */

export const set = (map, key, value) => new Map(map).set(key, value);

export function unset(map, key) {
  if (!map.has(key)) return map;
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
