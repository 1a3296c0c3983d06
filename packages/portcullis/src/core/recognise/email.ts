/** Decides which characters are an e-mail address: what stands around an `@`, as far as an address may reach (RFC 5321 §4.5.3.1). */
import { NOTHING } from './find-all.ts'
import type { Find, Span } from './kinds.ts'

const MAX_LOCAL = 64
const MAX_DOMAIN = 253
/** What is used in addresses, and does not divide them from what is around. */
const LOCAL = /[\p{L}\p{N}._%+'-]/u
const DOMAIN = /[\p{L}\p{N}.-]/u
/** Endings of files, and of packages with a version, that stand behind an `@` too. */
const NO_DOMAIN = /\.(?:png|jpe?g|gif|svg|webp|avif|ico|css|m?js|tsx?|json|ya?ml|md|html?|pdf|so|dll)$/i
const DOMAIN_NAME = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,10}(?:\p{L}{2,24}|xn--[a-z0-9-]{2,59})$/u

export const findEmails: Find = (text) => {
  let spans: Span[] | undefined
  let last = 0
  for (const mark of MARKS) {
    for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) {
      const span = around(text, at, mark.length, mark === '@' ? last : 0)
      if (span === undefined) continue
      ;(spans ??= []).push(span)
      last = span.end
    }
  }
  return spans ?? NOTHING
}

/** As it is, and as forms and URLs write it. */
const MARKS = ['@', '%40'] as const

function around(text: string, at: number, length: number, from: number): Span | undefined {
  let start = at
  while (start > from && at - start < MAX_LOCAL && LOCAL.test(text.charAt(start - 1))) start--
  while (start < at && /[.'%-]/.test(text.charAt(start))) start++
  let end = at + length
  while (end < text.length && end - at < MAX_DOMAIN && DOMAIN.test(text.charAt(end))) end++
  while (end > at + length && /[.-]/.test(text.charAt(end - 1))) end--
  if (start === at || text.charAt(at - 1) === '.') return undefined
  const domain = text.slice(at + length, end)
  if (!DOMAIN_NAME.test(domain) || NO_DOMAIN.test(domain) || isAccount(text, start, end)) return undefined
  return { start, end, kind: 'email' }
}

/** The account at a server (`ssh://git@host`, `git@host:path`) is nobody's address. */
function isAccount(text: string, start: number, end: number): boolean {
  if (text.startsWith('//', start - 2)) return true
  return text.startsWith(':', end) && /^[\w~/]/.test(text.slice(end + 1, end + 2)) && text.startsWith('git@', start)
}
