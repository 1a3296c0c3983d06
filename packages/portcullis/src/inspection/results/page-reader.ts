/**
 * Decides where a page has tags, text and what is neither, in the states of a browser's tokeniser (HTML, "Tokenization"), in one pass.
 *
 * What it takes for text is written so that no reader can take it for anything else, and what it takes for a tag is written anew; so a
 * difference to a browser can lose or show words, and nothing more. It says whether there was anything that readers have differed on.
 */
import { SLICE_LENGTH } from './slices.ts'

/** Content that is no markup (HTML, "Parsing elements that contain only text"), with scripting on. */
const RAW: ReadonlyMap<string, RegExp> = new Map(
  ['script', 'style', 'xmp', 'iframe', 'noembed', 'noframes', 'noscript', 'textarea', 'title'].map((name) => [
    name,
    new RegExp(`</${name}(?=[ \\t\\n\\r\\f/>])`, 'gi'),
  ]),
)

const GREATER = 0x3e
const SLASH = 0x2f
const EQUALS = 0x3d
const DOUBLE = 0x22
const SINGLE = 0x27
const BLANK = 1
const ENDS_NAME = 2
/** What the states ask of a character: white space of HTML, or another end of a name. */
const KINDS = Uint8Array.from({ length: 128 }, (_, code) =>
  ' \t\n\r\f'.includes(String.fromCharCode(code)) ? BLANK : '/>='.includes(String.fromCharCode(code)) ? ENDS_NAME : 0,
)
const kindOf = (code: number): number => (code < 128 ? (KINDS[code] as number) : 0)
const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122 && code < 128

/** A plain document type; with anything else in it, it is XML to somebody. */
const DOCTYPE = /<!doctype(?:[ \t\n\r\f][^<>[\]]*)?>/iy
/** No tag to a browser, but to readers that skip blanks. */
const ALMOST = /<\s{1,64}\/?\s{0,64}(?:script|iframe|object|embed|math|style|link|meta|base|form|svg|img)\b/iy
/** In names and values, what old parsers took for the end or the beginning of something. */
const ODD_NAME = /["'<`]/
const ODD_UNQUOTED = /["'<`]/

/** So many attributes has no element; what has more is cut off, so that nobody holds up the others. */
const MAX_ATTRIBUTES = 1_024

export type Part = 'text' | 'open' | 'close' | 'end'

/** Moves from part to part; the fields tell of the last one. The text must not contain NUL. Linear. */
export class PageReader {
  readonly #text: string
  #at = 0
  /** The next `<`, when it was looked for already. */
  #less = -1
  /** Where the part begins. */
  from = 0
  /** Where it ends. */
  to = 0
  /** Of text: it holds a `<` that begins nothing. */
  holdsLess = false
  /** Of a tag, in lower case. */
  name = ''
  /** Of an opening tag: it says that it is its own end. */
  isEmpty = false
  /** Of an opening tag: names in lower case and values as they are written, by turns; the first one of a name counts. */
  readonly attributes: string[] = []
  /** Readers have differed on something so far. */
  isOdd = false

  constructor(text: string) {
    this.#text = text
  }

  next(): Part {
    const text = this.#text
    for (;;) {
      this.from = this.#at
      if (this.#at >= text.length) return 'end'
      this.holdsLess = false
      const at = this.#nextSign()
      if (at > this.from) return this.#textUntil(at)
      const part = this.#markup(at)
      if (part !== undefined) return part
    }
  }

  /** Behind the opening tag of an element whose content is no markup: moves to its end. Whether it is one. */
  skipRaw(): boolean {
    const end = RAW.get(this.name)
    if (end === undefined) return false
    end.lastIndex = this.#at
    const found = end.exec(this.#text)
    if (found === null) this.isOdd = true
    const to = found?.index ?? this.#text.length
    const less = this.#text.indexOf('<', this.#at)
    if (less >= 0 && less < to) this.isOdd = true
    this.#at = to
    return true
  }

  #textUntil(at: number): 'text' {
    this.to = at
    this.#at = at
    return 'text'
  }

  /** The next `<` that begins something, or where the slice ends before it. */
  #nextSign(): number {
    const text = this.#text
    const limit = this.#at + SLICE_LENGTH
    for (let from = this.#at; ; from = this.#less + 1) {
      if (this.#less < from) this.#less = text.indexOf('<', from)
      if (this.#less < 0) this.#less = text.length
      const at = this.#less
      if (at >= limit || at >= text.length) return Math.min(limit, text.length)
      const next = text.charCodeAt(at + 1)
      if (isLetter(next) || next === 0x21 || next === 0x3f) return at
      if (next === SLASH && at + 2 < text.length) return at
      this.holdsLess = true
      ALMOST.lastIndex = at
      if (ALMOST.test(text)) this.isOdd = true
    }
  }

  /** Undefined for what is dropped: comments and what parsers make comments of. */
  #markup(at: number): Part | undefined {
    const text = this.#text
    const isEnd = text.charCodeAt(at + 1) === SLASH
    const from = isEnd ? at + 2 : at + 1
    if (!isLetter(text.charCodeAt(from))) return this.#noTag(at)
    let end = from + 1
    for (let kind = 0; end < text.length; end++) {
      kind = kindOf(text.charCodeAt(end))
      if (kind === BLANK || (kind === ENDS_NAME && text.charCodeAt(end) !== EQUALS)) break
    }
    this.name = text.slice(from, end).toLowerCase()
    this.#at = end
    this.attributes.length = 0
    this.isEmpty = false
    // A tag that nothing ends is dropped with all that would have been in it.
    if (!this.#readAttributes()) return this.#cutOff()
    this.to = this.#at
    return isEnd ? 'close' : 'open'
  }

  #cutOff(): undefined {
    this.isOdd = true
    this.#at = this.#text.length
  }

  #noTag(at: number): undefined {
    const text = this.#text
    if (text.startsWith('<!--', at)) return this.#comment(at + 4)
    DOCTYPE.lastIndex = at
    if (DOCTYPE.test(text)) {
      this.#at = DOCTYPE.lastIndex
      return
    }
    this.isOdd = true
    const end = text.indexOf('>', at)
    this.#at = end < 0 ? text.length : end + 1
  }

  #comment(from: number): undefined {
    const text = this.#text
    const abrupt = text.startsWith('>', from) ? 1 : text.startsWith('->', from) ? 2 : 0
    const end = abrupt > 0 ? from : text.indexOf('-->', from)
    if (end < 0) return this.#cutOff()
    const content = text.slice(from, end)
    const bang = content.indexOf('--!>')
    if (abrupt > 0 || bang >= 0 || /<|--|-$/.test(content)) this.isOdd = true
    this.#at = bang >= 0 ? from + bang + 4 : end + (abrupt > 0 ? abrupt : 3)
  }

  /** False when the text ends before the tag does. */
  #readAttributes(): boolean {
    const text = this.#text
    for (;;) {
      let code = this.#skip(true)
      if (this.#at >= text.length || this.attributes.length > 2 * MAX_ATTRIBUTES) return false
      if (code === GREATER) {
        this.isEmpty = text.charCodeAt(this.#at - 1) === SLASH
        this.#at++
        return true
      }
      const from = this.#at++
      while (this.#at < text.length && kindOf(text.charCodeAt(this.#at)) === 0) this.#at++
      const name = text.slice(from, this.#at).toLowerCase()
      code = this.#skip(false)
      const value = code === EQUALS ? this.#value() : ''
      if (value === undefined) return false
      if (ODD_NAME.test(name) || value.includes('<')) this.isOdd = true
      this.attributes.push(name, value)
    }
  }

  /** Skips white space, between attributes slashes too; the code that follows. */
  #skip(slashes: boolean): number {
    const text = this.#text
    for (;;) {
      const code = text.charCodeAt(this.#at)
      if (kindOf(code) !== BLANK && !(slashes && code === SLASH)) return code
      this.#at++
    }
  }

  /** Undefined when nothing ends it. */
  #value(): string | undefined {
    const text = this.#text
    this.#at++
    const quote = this.#skip(false)
    const from = this.#at
    if (quote === DOUBLE || quote === SINGLE) {
      const end = text.indexOf(quote === DOUBLE ? '"' : "'", from + 1)
      if (end < 0) return undefined
      this.#at = end + 1
      return text.slice(from + 1, end)
    }
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at)
      if (code === GREATER || kindOf(code) === BLANK) break
    }
    const value = text.slice(from, this.#at)
    if (ODD_UNQUOTED.test(value)) this.isOdd = true
    return value
  }
}
