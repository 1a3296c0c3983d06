/**
 * Decides where markup is cleaned: pages here, in turns with everybody else; pictures here when a parser takes a few milliseconds, else
 * in a thread, for a parser cannot be interrupted.
 */
import { ownTurn } from '../../core/turns.ts'
import type { Claimed } from '../claim.ts'
import type { Cleaned } from './cleaned.ts'
import { filteredPage } from './page-filter.ts'
import { plainPage } from './plain-page.ts'
import type { cleanSvg } from './svg-cleaner.ts'

/** Some five milliseconds. */
const MAX_LENGTH_HERE = 32_768
/** What is nested deeper is no picture, and the time of the parser grows with the square of it. */
const MAX_DEPTH = 400

/** `undefined` for what is nested too deeply to be read. */
export function cleaned(
  text: string,
  kind: 'html' | 'svg',
  by?: Claimed,
): Cleaned | Promise<Cleaned | undefined> | undefined {
  if (kind === 'svg') return isTooDeepXml(text) ? undefined : picture(text, by)
  const look = page(text)
  const { done, value } = look.next()
  return done === true ? value : inTurns(look)
}

function* page(text: string): Generator<void, Cleaned | undefined> {
  return (yield* plainPage(text)) ? { text, active: [], hasExternalImages: false } : yield* filteredPage(text)
}

async function inTurns(look: Iterator<void, Cleaned | undefined>): Promise<Cleaned | undefined> {
  for (;;) {
    await ownTurn()
    const { done, value } = look.next()
    if (done === true) return value
  }
}

let loaded: { readonly cleanSvg: typeof cleanSvg } | undefined

/** The library is read from disk when the first picture comes. */
function picture(text: string, by?: Claimed): Cleaned | Promise<Cleaned> {
  if (text.length > MAX_LENGTH_HERE) return apart(text, by)
  return loaded === undefined ? first(text) : loaded.cleanSvg(text)
}

async function first(text: string): Promise<Cleaned> {
  loaded = await import('./svg-cleaner.ts')
  return loaded.cleanSvg(text)
}

async function apart(text: string, by?: Claimed): Promise<Cleaned> {
  const { cleanApart } = await import('./clean-thread.ts')
  return cleanApart(text, by)
}

function isTooDeepXml(text: string): boolean {
  let depth = 0
  for (const [sign] of text.matchAll(/<\/|\/>|<(?=[a-z_])/gi)) {
    depth = sign === '<' ? depth + 1 : Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) return true
  }
  return false
}
