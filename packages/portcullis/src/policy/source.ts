/** Where each policy of a file stands, and which entities it names, found by Cedar's tokens. */

/** A file of Cedar policies, already read. */
export interface PolicySource {
  readonly file: string
  readonly text: string
  /** The only tenant whose calls it decides about; absent when it holds for all. */
  readonly tenant?: string
}

/** One policy as it is written. */
export interface PolicyText {
  readonly file: string
  readonly tenant?: string
  readonly text: string
  /** Where `text` begins in the file, in UTF-16 units. */
  readonly offset: number
  /** 1-based. */
  readonly line: number
  /** Its id when it has none of its own: `<file>:<line>`, and the column for a second one on that line. */
  readonly place: string
  readonly names: readonly EntityName[]
}

/** `Type::"id"` as a policy writes it. */
export interface EntityName {
  readonly type: string
  readonly id: string
  /** Where it begins in the policy, in UTF-16 units. */
  readonly offset: number
}

interface Token {
  readonly text: string
  readonly offset: number
}

/** A string without an end reaches to that of the file: looking for its end from each quote in it would be quadratic. */
const TOKEN = /\/\/[^\n]*|"(?:[^"\\]|\\.)*"?|[A-Za-z_]\w*|::|[^\s]/gs

/** Cuts a file at the semicolons that end policies. What follows the last one is a policy too, so that the parser tells. */
export function splitPolicies({ file, text, tenant }: PolicySource): PolicyText[] {
  const policies: PolicyText[] = []
  const lines = new Lines(text)
  let tokens: Token[] = []
  const finish = () => {
    const first = tokens[0]
    const last = tokens.at(-1)
    if (first === undefined || last === undefined) return
    const body = text.slice(first.offset, last.offset + last.text.length)
    const { line, column } = lines.at(first.offset)
    const place = policies.at(-1)?.line === line ? `${file}:${line}:${column}` : `${file}:${line}`
    const names = entityNames(tokens, first.offset)
    const of = tenant === undefined ? {} : { tenant }
    policies.push({ file, ...of, text: body, offset: first.offset, line, place, names })
    tokens = []
  }
  for (const match of text.matchAll(TOKEN)) {
    if (match[0].startsWith('//')) continue
    tokens.push({ text: match[0], offset: match.index })
    if (match[0] === ';') finish()
  }
  finish()
  return policies
}

/** Where the lines of a text begin. It is read once, however many places are asked for. */
export class Lines {
  readonly #text: string
  #starts: readonly number[] | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Line and column, both 1-based. `offset` counts UTF-16 units. */
  at(offset: number): { readonly line: number; readonly column: number } {
    const starts = (this.#starts ??= [0, ...Array.from(this.#text.matchAll(/\n/g), ({ index }) => index + 1)])
    let [line, after] = [0, starts.length]
    while (after - line > 1) {
      const middle = (line + after) >>> 1
      if ((starts[middle] as number) <= offset) line = middle
      else after = middle
    }
    return { line: line + 1, column: offset - (starts[line] as number) + 1 }
  }
}

/** Cedar counts UTF-8 bytes, we count UTF-16 units. */
export function unitsOf(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length
}

function entityNames(tokens: readonly Token[], base: number): EntityName[] {
  const names: EntityName[] = []
  for (const [index, token] of tokens.entries()) {
    const type = tokens[index - 2]
    if (!token.text.startsWith('"') || tokens[index - 1]?.text !== '::' || type === undefined) continue
    names.push({ type: type.text, id: unescape(token.text.slice(1, -1)), offset: type.offset - base })
  }
  return names
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

/** Cedar's string escapes. One that does not exist stays as it is: the parser refuses it. */
function unescape(text: string): string {
  return text.replace(/\\(?:x([\da-fA-F]{2})|u\{([\da-fA-F]{1,6})\}|(.))/gs, (whole, byte, point, char: string) => {
    if (char !== undefined) return ESCAPES[char] ?? whole
    const code = Number.parseInt(byte ?? point, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
