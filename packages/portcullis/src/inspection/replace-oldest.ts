/** Decides what a table of bounded size forgets: the same entry before, else the one that was written first. */

/** Sets `key`; without an entry of that name the oldest one gives way when there are `maxEntries`. Returns `value`. */
export function replaceOldest<T>(map: Map<string, T>, key: string, value: T, maxEntries: number): T {
  if (!map.delete(key) && map.size >= maxEntries) map.delete(map.keys().next().value as string)
  map.set(key, value)
  return value
}
