/** Decides what an OAuth scope may look like: visible ASCII but `"` and `\` (RFC 6749 §3.3), so it needs no escaping. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Returns the scope. Throws a TypeError for text that is none. */
export function requireScope(scope: string): string {
  if (!SCOPE_TOKEN.test(scope)) throw new TypeError(`${JSON.stringify(scope)} is not an OAuth scope`)
  return scope
}
