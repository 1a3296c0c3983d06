/**
 * Decides cheaply that a page has nothing in it which runs, loads, sends or covers anything, so that no sanitiser has to read it.
 *
 * It knows one strict spelling of each thing: a tag of a listed name, attributes in listed words with values that hold no `<` or `>`,
 * a comment without dashes inside. Whatever is written otherwise is left to the sanitiser; so the two can differ in one way only.
 */
import {
  ACTIVE_STYLE,
  DULL_ATTRIBUTES,
  DULL_ELEMENTS,
  HTML_ATTRIBUTES,
  HTML_ELEMENTS,
  SMALL_IMAGE,
} from './html-allowed.ts'
import { SLICE_LENGTH } from './slices.ts'

// White space is what HTML calls so; JavaScript knows more.
const NAME = /<(\/?)([a-z][a-z0-9]{0,15})(?=[ \t\n\r\f/>])/iy
const ATTRIBUTE =
  /[ \t\n\r\f]{1,256}([a-z][a-z0-9_-]{0,40})(?:=(?:"([^"<>\0]*)"|'([^'<>\0]*)'|([\w.%#:/-]{1,2048})))?(?=[ \t\n\r\f/>])/iy
const END = /[ \t\n\r\f]{0,256}\/?>/y
const NO_TAG = /<!--(?:[^<>-]|-(?!-))*-->|<!doctype html[ ]{0,8}>|<title>[^<\0]*<\/title>/iy

const ELEMENTS: ReadonlySet<string> = new Set([...HTML_ELEMENTS, ...DULL_ELEMENTS].filter((name) => name !== 'title'))
const ENDLESS: ReadonlySet<string> = new Set(['br', 'col', 'hr', 'img', 'wbr'])
const EVERYWHERE: ReadonlySet<string> = new Set(HTML_ATTRIBUTES['*'])
const ATTRIBUTES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(HTML_ATTRIBUTES).map(([name, list]) => [name, new Set(list)] as const),
)
const MAX_DEPTH = 200
/** Words that decide the scheme before any reference to a character could; `javascript&colon;` matches none. */
export const PLAIN_LINK: RegExp =
  /^(?:https?:\/\/|mailto:|tel:|#|\/(?![^\w.~%?#-])|\.{1,2}\/(?![^\w.~%?#-])|[\w.~%-]+(?:[/?#]|$))/i
const OWN_IMAGE = /^(?:\/(?!\/)|\.{1,2}\/)?[\w.~%-][\w.~%/?#=-]*$/

/** Ends with whether the page is plain; stops after every `SLICE_LENGTH` characters, so that others can have a turn. Linear. */
export function* plainPage(text: string): Generator<void, boolean> {
  if (text.includes('\0')) return false
  let depth = 0
  let pause = SLICE_LENGTH
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const tag = readTag(text, at)
    if (tag === undefined) return false
    depth = Math.max(0, depth + tag.depth)
    if (depth > MAX_DEPTH) return false
    at = tag.end
    if (at < pause) continue
    pause = at + SLICE_LENGTH
    yield
  }
  return true
}

interface ReadTag {
  readonly end: number
  readonly depth: -1 | 0 | 1
}

/** Undefined for what the sanitiser has to look at. */
function readTag(text: string, at: number): ReadTag | undefined {
  NAME.lastIndex = at
  const found = NAME.exec(text)
  const name = found?.[2]?.toLowerCase()
  if (found === null || name === undefined || !ELEMENTS.has(name)) return otherThanTag(text, at)
  let end = NAME.lastIndex
  if (found[1] === '') {
    const last = endOfAttributes(text, end, name)
    if (last === undefined) return undefined
    end = last
  }
  END.lastIndex = end
  if (!END.test(text)) return undefined
  return { end: END.lastIndex, depth: ENDLESS.has(name) ? 0 : found[1] === '' ? 1 : -1 }
}

function otherThanTag(text: string, at: number): ReadTag | undefined {
  NO_TAG.lastIndex = at
  return NO_TAG.test(text) ? { end: NO_TAG.lastIndex, depth: 0 } : undefined
}

function endOfAttributes(text: string, from: number, name: string): number | undefined {
  for (let end = from; ; end = ATTRIBUTE.lastIndex) {
    ATTRIBUTE.lastIndex = end
    const found = ATTRIBUTE.exec(text)
    if (found === null) return end
    const value = found[2] ?? found[3] ?? found[4] ?? ''
    if (!isPlainAttribute(name, (found[1] as string).toLowerCase(), value)) return undefined
  }
}

function isPlainAttribute(name: string, attribute: string, value: string): boolean {
  if (attribute === 'style') return !ACTIVE_STYLE.test(value)
  if (attribute === 'href') return name === 'a' && PLAIN_LINK.test(value)
  if (attribute === 'src') return name === 'img' && (OWN_IMAGE.test(value) || SMALL_IMAGE.test(value))
  return EVERYWHERE.has(attribute) || ATTRIBUTES.get(name)?.has(attribute) === true || DULL_ATTRIBUTES.test(attribute)
}
