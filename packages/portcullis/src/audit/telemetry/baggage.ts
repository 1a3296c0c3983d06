/** Decides what of a caller's baggage goes on to upstreams: the entries that the configuration lists, and nothing else. */

/** At least so much has to be passed on (W3C Baggage §3.3.2); a longer list is dropped. */
const MAX_LENGTH = 8192
const MAX_ENTRIES = 64
const KEY = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/** The entries of `allowed` keys, without their properties; undefined when none is left. */
export function listedBaggage(baggage: unknown, allowed: ReadonlySet<string>): string | undefined {
  if (allowed.size === 0 || typeof baggage !== 'string' || baggage.length > MAX_LENGTH) return undefined
  const entries = baggage.split(',')
  if (entries.length > MAX_ENTRIES) return undefined
  const kept = new Map<string, string>()
  for (const entry of entries) {
    const [pair = ''] = entry.split(';')
    const at = pair.indexOf('=')
    const key = pair.slice(0, at).trim()
    const value = pair.slice(at + 1).trim()
    if (at > 0 && allowed.has(key) && KEY.test(key) && VALUE.test(value)) kept.set(key, value)
  }
  if (kept.size === 0) return undefined
  return [...kept].map(([key, value]) => `${key}=${value}`).join(',')
}
