/**
 * Decides where a text has tags, in the way of a tokeniser that forgives everything: any `<` may begin one, whatever stands before,
 * because the text may land inside of an attribute, a comment or a script. A parser of whole documents, such as parse5, sees only
 * one of these readings, and drops what is never closed; the page around would close it.
 */

/** A tag that begins with its name; an attribute without a value has an empty one. Names are lower case, without controls. */
export interface Tag {
  readonly name: string
  readonly attributes: readonly (readonly [name: string, value: string])[]
  /** Where its `<` stands. */
  readonly at: number
  /** Where its last attribute ends. */
  readonly end: number
}

const MAX_TAGS = 256
const MAX_ATTRIBUTES = 32
/** Of a tag inside of the one before, whose attributes were read already but for those in other quotes. */
const MAX_NESTED_ATTRIBUTES = 3
const MAX_TAG_LENGTH = 4096
/** All tags together may read the text so many times over, so that nested `<` stay linear. */
const MAX_READINGS = 4

// oxlint-disable-next-line no-control-regex -- browsers of their time skipped them
const NAME = /<[\u0000-\u0020/%]{0,8}([a-z?!][^\s/>"'=<]{0,40})/iy
const ATTRIBUTE =
  /[\s/"'`,;+]*([^\s=>"'`/][^\s=>/]{0,60}|["'`])(?:[\s]*=[\s]*("[^"]*(?:"|$)|'[^']*(?:'|$)|`[^`]*(?:`|$)|[^\s>]*))?/y
// oxlint-disable-next-line no-control-regex -- likewise
const CONTROLS = /[\u0000-\u001f\u007f]/g

/** The tags of a text, in order; bounded in number and linear in its length. */
export function* scanTags(text: string): Generator<Tag> {
  let budget = text.length * MAX_READINGS + MAX_TAG_LENGTH
  let at = text.indexOf('<')
  let read = 0
  for (let count = 0; at >= 0 && count < MAX_TAGS && budget > 0; count++) {
    NAME.lastIndex = at
    const name = NAME.exec(text)?.[1]
    if (name !== undefined) {
      const tag = readTag(text, at, NAME.lastIndex, name, at < read ? MAX_NESTED_ATTRIBUTES : MAX_ATTRIBUTES)
      read = Math.max(read, tag.end)
      budget -= tag.end - at
      yield tag
    }
    at = text.indexOf('<', at + 1)
  }
}

function readTag(text: string, at: number, from: number, name: string, maxAttributes: number): Tag {
  const limited = text.length - at > MAX_TAG_LENGTH ? text.slice(0, at + MAX_TAG_LENGTH) : text
  const attributes: (readonly [string, string])[] = []
  let end = from
  while (attributes.length < maxAttributes && end < limited.length) {
    ATTRIBUTE.lastIndex = end
    const match = ATTRIBUTE.exec(limited)
    if (match === null) break
    end = ATTRIBUTE.lastIndex
    attributes.push([clean(match[1] ?? '').toLowerCase(), unquoted(match[2] ?? '')])
  }
  return { name: clean(name).toLowerCase(), attributes, at, end }
}

const clean = (text: string): string => text.replace(CONTROLS, '')

const unquoted = (value: string): string => (/^["'`]/.test(value) ? value.slice(1).replace(/["'`]$/, '') : value)
