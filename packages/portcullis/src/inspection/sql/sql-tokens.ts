import { ALSO_FUNCTION, LETTER_OF, MAX_WORD_LENGTH } from './sql-words.ts'

/**
 * What a text would be if a database read it: one letter for each token, and where each token is.
 *
 * Beside the classes of words: `n` number, `s` string, `S` string without end, `v` variable, `w` any other word, `f` a known
 * function with its bracket behind it, `Z` one that only attacks call, `G` a catalogue, `B` GROUP BY or ORDER BY, `=` comparison,
 * `&` a logical operator, `|` double bar, `+` arithmetic, `*`, `(`, `)`, `,`, `;`, `.`, `:`, `{`, `}`, `c` the sign of a comment to
 * the end, `#` one that may be something else, `M` the beginning of a comment that MySQL runs, `m` its end, `x` anything else.
 * What is behind a comment is read too, since the text around an attack may hold such signs.
 */
export class Tokens {
  readonly shape: string
  readonly #text: string
  readonly #starts: readonly number[]
  readonly #ends: readonly number[]

  constructor(text: string, shape: string, starts: readonly number[], ends: readonly number[]) {
    this.shape = shape
    this.#text = text
    this.#starts = starts
    this.#ends = ends
  }

  /** Where the token begins in the text. */
  startOf(index: number): number {
    return this.#starts[index] ?? 0
  }

  /** Where it ends. */
  endOf(index: number): number {
    return this.#ends[index] ?? 0
  }

  /** In lower case; a string with its quotes. */
  word(index: number): string {
    return this.#text.slice(this.#starts[index], this.#ends[index] ?? 0).toLowerCase()
  }

  words(from: number, to: number): readonly string[] {
    const words: string[] = []
    for (let index = from; index < Math.min(to, this.shape.length); index++) words.push(this.word(index))
    return words
  }
}

/** Reads at most `maxTokens`; linear. Double quotes and single ones hold strings, backticks nothing. */
export function tokensOf(text: string, maxTokens: number): Tokens {
  return new Reader(text, maxTokens).read()
}

const NUMBER = /0x[0-9a-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy
const VARIABLE = /@{1,2}[\p{L}\p{N}_$.]*|\$\d+/uy
const DOLLARS = /\$(?:[a-z_]\w{0,15})?\$/iy
const MAX_DOLLAR_STRING = 256
const LETTER = /[\p{L}\p{M}\p{N}]/u

class Reader {
  readonly #text: string
  readonly #lower: string
  readonly #max: number
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #letters: string[] = []
  #at = 0
  /** No end of a comment, or quote, was found from there on; so that it is not looked for again. */
  #noEnd = { comment: false, single: false, double: false }

  constructor(text: string, max: number) {
    this.#text = text
    const lower = text.toLowerCase()
    // A few letters change their length with their case: then capitals are not known, and the places stay right.
    this.#lower = lower.length === text.length ? lower : text
    this.#max = max
  }

  read(): Tokens {
    for (;;) {
      this.#space()
      if (this.#at >= this.#text.length || this.#letters.length >= this.#max) break
      this.#token(this.#text.charCodeAt(this.#at))
    }
    return new Tokens(this.#text, this.#letters.join(''), this.#starts, this.#ends)
  }

  /** A comment is white space, unless nothing ends it. */
  #space(): void {
    const text = this.#text
    for (;;) {
      const code = text.charCodeAt(this.#at)
      if (code === 32 || (code >= 9 && code <= 13) || code === 96 || code === 160) this.#at++
      else if (code === 47 && text.charCodeAt(this.#at + 1) === 42 && text.charCodeAt(this.#at + 2) !== 33) {
        const end = this.#noEnd.comment ? -1 : text.indexOf('*/', this.#at + 2)
        this.#noEnd.comment = end < 0
        if (end < 0) return
        this.#at = end + 2
      } else return
    }
  }

  #token(code: number): void {
    if (isWordCode(code)) return this.#word()
    if (isDigit(code)) return this.#number()
    if (code === 39) return this.#string("'", 'single')
    if (code === 34) return this.#string('"', 'double')
    if (code === 46 && isDigit(this.#text.charCodeAt(this.#at + 1))) return this.#number()
    if (code === 64 || code === 36) return this.#variable()
    // \N is NULL to MySQL.
    if (code === 92 && this.#text[this.#at + 1] === 'N') return this.#push('t', 2)
    this.#sign()
  }

  #word(): void {
    const text = this.#text
    const end = endOfWord(text, this.#at)
    if (end === this.#at) return this.#push('x', 1)
    const length = end - this.#at
    const word = length > MAX_WORD_LENGTH || length === 1 ? '' : this.#lower.slice(this.#at, end)
    this.#push(word === 'by' && this.#foldsBy() ? 'B' : this.#letterOf(word, end), length)
  }

  #letterOf(word: string, end: number): string {
    const letter = LETTER_OF.get(word)
    if (letter === undefined) return 'w'
    const called = letter === 'f' || letter === 'Z' || ALSO_FUNCTION.has(word)
    if (!called) return letter
    let at = end
    while (isBlank(this.#text.charCodeAt(at))) at++
    if (this.#text.charCodeAt(at) === 40) return letter === 'Z' ? 'Z' : 'f'
    return letter === 'f' || letter === 'Z' ? 'w' : letter
  }

  /** `order by` is one token. */
  #foldsBy(): boolean {
    const before = this.#lower.slice(this.#starts.at(-1) ?? 0, this.#ends.at(-1) ?? 0)
    if (before !== 'order' && before !== 'group') return false
    this.#letters.pop()
    this.#starts.pop()
    this.#ends.pop()
    return true
  }

  /** `1st` and `4a7f` are words, `1union` is a number and a word to a database. */
  #number(): void {
    const digits = lengthAt(NUMBER, this.#text, this.#at)
    const end = endOfWord(this.#text, this.#at + digits)
    const tail = this.#lower.slice(this.#at + digits, Math.min(end, this.#at + digits + 8))
    const letter = tail === '' ? 'U' : LETTER_OF.get(tail)
    this.#push(
      letter !== undefined && 'U&EIHB'.includes(letter) ? 'n' : 'w',
      letter === 'U' || letter === '&' ? digits : end - this.#at,
    )
  }

  #string(quote: string, kind: 'single' | 'double'): void {
    const text = this.#text
    let from = this.#at + 1
    for (;;) {
      const end = this.#noEnd[kind] ? -1 : text.indexOf(quote, from)
      this.#noEnd[kind] = end < 0
      if (end < 0) return this.#push('S', text.length - this.#at)
      let slashes = 0
      while (end - 1 - slashes > this.#at && text.charCodeAt(end - 1 - slashes) === 92) slashes++
      // The doubled quote stays within the string.
      if (slashes % 2 === 0 && text[end + 1] !== quote) return this.#push('s', end + 1 - this.#at)
      from = slashes % 2 === 0 ? end + 2 : end + 1
    }
  }

  #variable(): void {
    // PostgreSQL quotes by dollars, with a name between them or none.
    const quote = lengthAt(DOLLARS, this.#text, this.#at)
    if (quote > 0) {
      const sign = this.#text.slice(this.#at, this.#at + quote)
      const end = this.#text.slice(this.#at + quote, this.#at + quote + MAX_DOLLAR_STRING).indexOf(sign)
      if (end >= 0) return this.#push('s', end + 2 * quote)
    }
    const length = lengthAt(VARIABLE, this.#text, this.#at)
    this.#push(length === 0 ? 'x' : 'v', Math.max(length, 1))
  }

  #sign(): void {
    const text = this.#text
    const at = this.#at
    const two = text.slice(at, at + 2)
    if (two === '--') return this.#dashes()
    if (two === '/*') return text[at + 2] === '!' ? this.#versioned() : this.#push('c', 2)
    if (two[0] === '#') return this.#push(ENDS_LINE.test(text.slice(at + 1, at + 2)) ? 'c' : '#', 1)
    const pair = PAIRS.get(two)
    if (pair !== undefined) this.#push(pair, text.startsWith('<=>', at) ? 3 : 2)
    else this.#push(SINGLES.get(two[0] as string) ?? 'x', 1)
  }

  /** Two minus signs are a comment, also without the space that MySQL wants; a longer row of them is a line in a text. */
  #dashes(): void {
    let end = this.#at
    while (this.#text.charCodeAt(end) === 45) end++
    this.#push(end - this.#at > 3 ? 'x' : 'c', end - this.#at)
  }

  #versioned(): void {
    let end = this.#at + 3
    while (isDigit(this.#text.charCodeAt(end))) end++
    this.#push('M', end - this.#at)
  }

  #push(letter: string, length: number): void {
    // What a comment cuts off does not need the semicolon before it.
    if (letter === 'c' && this.#letters.at(-1) === ';') {
      this.#letters.pop()
      this.#starts.pop()
      this.#ends.pop()
    }
    this.#letters.push(letter)
    this.#starts.push(this.#at)
    this.#at += length
    this.#ends.push(this.#at)
  }
}

/** A number sign before a word is a heading or a number of something. */
const ENDS_LINE = /^(?:\s|$|[)'"])/

// biome-ignore format: one class a row
const PAIRS: ReadonlyMap<string, string> = new Map([
  ...['<=', '>=', '<>', '!=', '==', ':=', '=~', '!~', '~~', '@>', '<@'].map((sign) => [sign, '='] as const),
  ['&&', '&'], ['||', '|'], ['::', ':'], ['<<', '+'], ['>>', '+'], ['->', '.'], ['*/', 'm'],
])

// biome-ignore format: one class a row
const SINGLES: ReadonlyMap<string, string> = new Map([
  ['=', '='], ['<', '='], ['>', '='],
  ['!', '!'], ['~', '!'],
  ...['+', '-', '/', '%', '^', '|', '&'].map((sign) => [sign, '+'] as const),
  ...['*', '(', ')', ',', ';', '.', ':', '{', '}'].map((sign) => [sign, sign] as const),
])

const isBlank = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)

const isDigit = (code: number): boolean => code >= 48 && code <= 57

const isWordCode = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code > 160

/** 1 for what begins a word, 2 for what may follow. */
const WORD_CODES = Uint8Array.from({ length: 161 }, (_, code) =>
  isWordCode(code) ? 1 : isDigit(code) || code === 36 ? 2 : 0,
)

function endOfWord(text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const kind = code > 160 ? Number(LETTER.test(text[at] as string)) : (WORD_CODES[code] as number)
    if (kind === 0 || (kind === 2 && at === from)) break
  }
  return at
}

function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex - at : 0
}
