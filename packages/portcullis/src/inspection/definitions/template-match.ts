/**
 * Whether a URI may be an expansion of a URI template (RFC 6570).
 *
 * Both answers are rough, each to its safe side, and cost no more than a few passes over the URI, whatever the template:
 * - `may`: true whenever a server could take the URI for one, however it decodes and compares; and for some more.
 * - `surely`: true only where the expressions keep to the characters that their operators give; and for some less.
 */
export function matchesTemplate(template: string, uri: string, how: 'may' | 'surely'): boolean {
  const parts = partsOf(template, how)
  if (parts === undefined) return false
  if (fits(parts, uri)) return true
  if (how === 'surely') return false
  const literals = parts.literals.map(plain)
  const read = plain(uri)
  return fits({ ...parts, literals }, read) || fits({ ...parts, literals }, withoutDots(read))
}

interface Parts {
  /** What stands before, between and after the expressions: one more than these. */
  readonly literals: readonly string[]
  readonly takes: readonly ((text: string) => boolean)[]
}

const ANYTHING = (): boolean => true

/** Undefined for a broken template of which nothing is sure. */
function partsOf(template: string, how: 'may' | 'surely'): Parts | undefined {
  const literals: string[] = []
  const takes: ((text: string) => boolean)[] = []
  let at = 0
  for (;;) {
    const open = template.indexOf('{', at)
    const close = open < 0 ? -1 : template.indexOf('}', open)
    if (open >= 0 && close < 0 && how === 'surely') return undefined
    literals.push(template.slice(at, open < 0 ? undefined : open))
    if (open < 0) return { literals, takes }
    takes.push(how === 'may' ? ANYTHING : taking(template[open + 1] ?? ''))
    if (close < 0) return { literals: [...literals, ''], takes }
    at = close + 1
  }
}

/** What an expression with this operator can become (RFC 6570 §3.2). */
function taking(operator: string): (text: string) => boolean {
  if (operator === '+') return ANYTHING
  if (operator === '#' || operator === '/' || operator === '?' || operator === '&' || operator === ';')
    return (text) => text === '' || text.startsWith(operator)
  return (text) => !/[/?#\\]|%(?:2f|5c)|^\.\.?$/i.test(text)
}

/** Each literal at the first place after the one before, the last at the end. */
function fits({ literals, takes }: Parts, uri: string): boolean {
  const [first = '', ...rest] = literals
  if (takes.length === 0) return uri === first
  if (!uri.startsWith(first)) return false
  let at = first.length
  for (const [index, literal] of rest.entries()) {
    const isLast = index === rest.length - 1
    const next = isLast ? uri.length - literal.length : uri.indexOf(literal, at)
    if (next < at || !uri.startsWith(literal, next) || takes[index]?.(uri.slice(at, next)) !== true) return false
    at = next + literal.length
  }
  return true
}

/** Without case and without the encodings that a server undoes. */
const plain = (text: string): string =>
  text
    .replace(/(?:%[\da-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString())
    .normalize('NFKC')
    .toLowerCase()

/** Without `.` and `..` as segments (RFC 3986 §5.2.4). */
function withoutDots(uri: string): string {
  const kept: string[] = []
  for (const segment of uri.replaceAll('\\', '/').split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return kept.join('/')
}
