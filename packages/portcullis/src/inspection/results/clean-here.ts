/** Decides where markup is cleaned: here when that takes a few milliseconds, else in a thread, for a parser cannot be interrupted. */
import type { Claimed } from '../claim.ts'
import type { Cleaned, cleanMarkup, MarkupKind } from './html-cleaner.ts'

/** Some five milliseconds. */
const MAX_LENGTH_HERE = 32_768
/** What is nested deeper is no page, and the time of the parser grows with the square of it. */
const MAX_DEPTH = 400
const TAG = /<(\/?)([a-z][^\s/>]{0,40})/gi
/** These have no end, or need none: the parser ends them when the next one begins. */
const ENDLESS =
  /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|dt|dd|td|th|tr|option|optgroup|tbody|thead|tfoot|rt|rp)$/i

let loaded: { readonly cleanMarkup: typeof cleanMarkup } | undefined

/** `undefined` for what is nested too deeply to be read. The library is read from disk when the first markup comes. */
export function cleaned(text: string, kind: MarkupKind, by?: Claimed): Cleaned | Promise<Cleaned> | undefined {
  if (kind === 'html' ? isTooDeep(text) : isTooDeepXml(text)) return undefined
  if (text.length > MAX_LENGTH_HERE) return apart(text, kind, by)
  return loaded === undefined ? first(text, kind) : loaded.cleanMarkup(text, kind)
}

async function first(text: string, kind: MarkupKind): Promise<Cleaned> {
  loaded = await import('./html-cleaner.ts')
  return loaded.cleanMarkup(text, kind)
}

async function apart(text: string, kind: MarkupKind, by?: Claimed): Promise<Cleaned> {
  const { cleanApart } = await import('./clean-thread.ts')
  return cleanApart(text, kind, by)
}

function isTooDeep(text: string): boolean {
  let depth = 0
  for (const [, end, name = ''] of text.matchAll(TAG)) {
    if (ENDLESS.test(name)) continue
    depth = end === '' ? depth + 1 : Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) return true
  }
  return false
}

function isTooDeepXml(text: string): boolean {
  let depth = 0
  for (const [sign] of text.matchAll(/<\/|\/>|<(?=[a-z_])/gi)) {
    depth = sign === '<' ? depth + 1 : Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) return true
  }
  return false
}
