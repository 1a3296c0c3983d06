/**
 * Decides where markup is cleaned: nowhere when nothing in it can do anything, here when a parser takes a few milliseconds, else in
 * a thread, for a parser cannot be interrupted.
 */
import { setImmediate } from 'node:timers/promises'
import type { Claimed } from '../claim.ts'
import type { Cleaned, cleanMarkup, MarkupKind } from './html-cleaner.ts'
import { plainPage } from './plain-page.ts'

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
export function cleaned(
  text: string,
  kind: MarkupKind,
  by?: Claimed,
): Cleaned | Promise<Cleaned | undefined> | undefined {
  if (kind === 'svg') return isTooDeepXml(text) ? undefined : parsed(text, kind, by)
  const look = plainPage(text)
  const { done, value } = look.next()
  if (done !== true) return inTurns(look, text, by)
  return value ? asItIs(text) : page(text, by)
}

async function inTurns(look: Iterator<void, boolean>, text: string, by?: Claimed): Promise<Cleaned | undefined> {
  for (;;) {
    await setImmediate()
    const { done, value } = look.next()
    if (done === true) return value ? asItIs(text) : page(text, by)
  }
}

const asItIs = (text: string): Cleaned => ({ text, active: [], hasExternalImages: false })

const page = (text: string, by?: Claimed): Cleaned | Promise<Cleaned> | undefined =>
  isTooDeep(text) ? undefined : parsed(text, 'html', by)

function parsed(text: string, kind: MarkupKind, by?: Claimed): Cleaned | Promise<Cleaned> {
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
