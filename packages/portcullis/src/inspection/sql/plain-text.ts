import type { SqlDialect } from './sql-rules.ts'

/**
 * Decides whether a statement means the same to every lexer that might read it. The database is another program than our
 * parser: what the two could cut into words in different ways is refused before it is parsed.
 *
 * Returns the reason (`sql.ambiguous-…`, `sql.too-complex`) or undefined. Linear.
 */
export function ambiguity(text: string, dialect: SqlDialect): string | undefined {
  if (REFUSED_CHARACTERS.test(text)) return 'sql.ambiguous-character'
  if (!text.isWellFormed()) return 'sql.ambiguous-character'
  if (dialect === 'mssql' && QUOTES_AFTER_CONVERSION.test(text)) return 'sql.ambiguous-quote'
  return new Lexer(text, dialect).scan()
}

/** Control characters, a carriage return alone (which ends comments for some) and characters without width. */
const REFUSED_CHARACTERS = /(?![\t\r\n])\p{Cc}|[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]|\r(?!\n)/u

/** SQL Server turns them into quotes when a text becomes VARCHAR. */
const QUOTES_AFTER_CONVERSION = /[\u02b9-\u02bc\u02c8\u2032\u2035\uff07\uff02]/

/** Deeper statements overflow the stack of a parser, which is a chain of calls as long as the tree is deep. */
const MAX_NESTING = 64
/** Weighed tokens between the separators that enclose each other: each could be one level of the tree. */
const MAX_CHAIN = 1000
const MAX_TOKENS = 8000

const WORD = /[\p{L}\p{M}\p{N}_$@]+/uy
const STRING_PREFIX = /^(?:u&|q|nq)$/i

type Traits = Partial<Record<'backtick' | 'brackets' | 'hashComment' | 'hash' | 'strictDashes' | 'triple', true>>
const TRAITS: Readonly<Partial<Record<SqlDialect, Traits>>> = {
  postgresql: { hash: true },
  redshift: { hash: true },
  mysql: { backtick: true, hashComment: true, strictDashes: true },
  sqlite: { backtick: true, brackets: true },
  mssql: { brackets: true, hash: true },
  bigquery: { backtick: true, hashComment: true, triple: true },
  databricks: { backtick: true, triple: true },
  spark: { backtick: true, triple: true },
  hive: { backtick: true },
  clickhouse: { backtick: true },
  generic: { strictDashes: true },
}

class Lexer {
  readonly #text: string
  readonly #traits: Traits
  #at = 0
  #tokens = 0
  /** Weight of the item that is open, at each level of brackets; their sum bounds the depth of the tree. */
  readonly #open: number[] = [0]
  #sum = 0

  constructor(text: string, dialect: SqlDialect) {
    this.#text = text
    this.#traits = TRAITS[dialect] ?? {}
  }

  scan(): string | undefined {
    while (this.#at < this.#text.length) {
      const refused = this.#token()
      if (refused !== undefined) return refused
      if (this.#tokens > MAX_TOKENS || this.#sum > MAX_CHAIN || this.#open.length > MAX_NESTING)
        return 'sql.too-complex'
    }
    return undefined
  }

  #token(): string | undefined {
    const char = this.#text[this.#at] as string
    if (char === ' ' || char === '\t' || char === '\n' || char === '\r') return this.#skip(1)
    this.#tokens++
    if (char === "'") return this.#quoted("'")
    if (char === '"') return this.#quoted('"')
    if (char === '`') return this.#traits.backtick ? this.#quoted('`') : 'sql.ambiguous-quote'
    if (char === '[' && this.#traits.brackets) return this.#bracketed()
    if (char === '#' && !this.#traits.hash) return this.#traits.hashComment ? this.#line() : 'sql.ambiguous-comment'
    if (this.#text.startsWith('--', this.#at)) return this.#dashes()
    if (this.#text.startsWith('/*', this.#at)) return this.#block()
    if (char === '$' && /^\$\w*\$/.test(this.#text.slice(this.#at, this.#at + 66))) return 'sql.ambiguous-quote'
    WORD.lastIndex = this.#at
    const word = WORD.exec(this.#text)?.[0]
    if (word !== undefined) return this.#word(word)
    return char > '~' ? 'sql.ambiguous-character' : this.#punctuation(char)
  }

  #word(word: string): string | undefined {
    const next = this.#text[this.#at + word.length]
    if (/\$\w*\$/.test(word)) return 'sql.ambiguous-quote'
    if (
      (next === "'" && STRING_PREFIX.test(word)) ||
      (next === '&' && /^u$/i.test(word) && this.#text[this.#at + 2]?.match(/['"]/))
    ) {
      return 'sql.ambiguous-quote'
    }
    this.#weigh(/^join$/i.test(word) ? 3 : 1)
    return this.#skip(word.length)
  }

  #punctuation(char: string): undefined {
    const open = this.#open
    if (char === '(' || char === '[' || char === '{') {
      this.#weigh(2)
      open.push(0)
    } else if (char === ')' || char === ']' || char === '}') {
      if (open.length > 1) this.#sum -= open.pop() as number
    } else if (char === ',' || char === ';') {
      this.#sum -= open[open.length - 1] as number
      open[open.length - 1] = 0
    } else this.#weigh(2)
    return this.#skip(1)
  }

  #weigh(weight: number): void {
    this.#open[this.#open.length - 1] = (this.#open.at(-1) as number) + weight
    this.#sum += weight
  }

  /**
   * A quote ends at the same sign, if that is not doubled. A backslash before it escapes for some databases and not for
   * others, so that an odd number of them is refused.
   */
  #quoted(quote: string): string | undefined {
    const text = this.#text
    if (this.#traits.triple && text.startsWith(quote.repeat(3), this.#at)) return 'sql.ambiguous-quote'
    let from = this.#at + 1
    for (;;) {
      const end = text.indexOf(quote, from)
      if (end < 0) return 'sql.ambiguous-quote'
      let slashes = 0
      while (text[end - 1 - slashes] === '\\' && end - 1 - slashes > this.#at) slashes++
      if (slashes % 2 === 1) return 'sql.ambiguous-escape'
      if (text[end + 1] !== quote) {
        this.#weigh(1)
        this.#at = end + 1
        return undefined
      }
      from = end + 2
    }
  }

  /** A name of SQL Server and SQLite, which must not hold what another lexer would begin a string with. */
  #bracketed(): string | undefined {
    const end = this.#text.indexOf(']', this.#at)
    if (end < 0 || /['"`[]|--|\/\*/.test(this.#text.slice(this.#at + 1, end))) return 'sql.ambiguous-quote'
    if (this.#text[end + 1] === ']') return 'sql.ambiguous-quote'
    this.#weigh(1)
    return this.#skip(end + 1 - this.#at)
  }

  /** MySQL wants white space after the dashes, else they are two minus signs. */
  #dashes(): string | undefined {
    const next = this.#text[this.#at + 2] ?? '\n'
    return this.#traits.strictDashes && !/\s/.test(next) ? 'sql.ambiguous-comment' : this.#line()
  }

  #line(): undefined {
    const end = this.#text.indexOf('\n', this.#at)
    this.#at = end < 0 ? this.#text.length : end + 1
    return undefined
  }

  /** Some databases nest comments, some end at the first end; some run what is in `/*!` and obey what is in `/*+`. */
  #block(): string | undefined {
    const end = this.#text.indexOf('*/', this.#at + 2)
    if (end < 0 || /[!+M]/.test(this.#text[this.#at + 2] as string)) return 'sql.ambiguous-comment'
    if (this.#text.slice(this.#at + 2, end + 1).includes('/*')) return 'sql.ambiguous-comment'
    return this.#skip(end + 2 - this.#at)
  }

  #skip(length: number): undefined {
    this.#at += length
    return undefined
  }
}
