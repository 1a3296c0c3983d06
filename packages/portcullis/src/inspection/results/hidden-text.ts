/**
 * Decides which text in a text a person would not see: tags (Unicode's block E0000), chains of variation selectors that
 * carry bytes, words with a style that hides them, comments, and what is written in base64.
 */
import { isUtf8 } from 'node:buffer'

export interface HiddenText {
  readonly how: 'tags' | 'selectors' | 'style' | 'comment' | 'base64'
  readonly text: string
}

const TAGS = /[\u{e0020}-\u{e007e}]{4,}/gu
const SELECTORS = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{8,}/gu
const STYLE =
  /style\s{0,8}=\s{0,8}\\?["'][^"'<>]{0,300}?(?:display\s{0,8}:\s{0,8}none|visibility\s{0,8}:\s{0,8}hidden|font-size\s{0,8}:\s{0,8}(?:0|1px)|opacity\s{0,8}:\s{0,8}0(?![.\d])|color\s{0,8}:\s{0,8}(?:white|transparent|#fff)|(?:left|top|text-indent)\s{0,8}:\s{0,8}-\d{3}|(?:width|height)\s{0,8}:\s{0,8}0)[^<>]{0,300}>([^<]{12,1500})/gi
const HIDDEN = /<[a-z][^<>]{0,200}\s(?:hidden|aria-hidden\s?=\s?\\?["']true)[^<>]{0,200}>([^<]{12,1500})/gi
const COMMENT = /<!--([^<>]{12,1500})-->/g
const TOKEN = /[A-Za-z0-9+/_-]{32,8192}={0,2}/g
const MAX_FOUND = 16
const PRINTABLE = /^[\t\n\r -~\u00a0-\u024f\u0400-\u04ff\u2010-\u2026\u3040-\u9fff]+$/
/** Leaves a byte order mark out. */
const utf8 = new TextDecoder()

/** At most a few of each kind. Linear: every pattern is bounded, and a quick look says which are worth trying. */
export function hiddenTexts(text: string): readonly HiddenText[] {
  const found: HiddenText[] = []
  if (text.includes('\udb40')) {
    for (const [run] of first(text, TAGS)) found.push({ how: 'tags', text: shifted(run, 0xe0000) })
  }
  if (/[\ufe00-\ufe0f\udb40]/.test(text)) {
    for (const [run] of first(text, SELECTORS)) found.push({ how: 'selectors', text: bytesOf(run) })
  }
  if (text.includes('<')) {
    if (/style\s{0,8}=/i.test(text))
      for (const match of first(text, STYLE)) found.push({ how: 'style', text: match[1] as string })
    if (/hidden/i.test(text))
      for (const match of first(text, HIDDEN)) found.push({ how: 'style', text: match[1] as string })
    if (text.includes('<!--'))
      for (const match of first(text, COMMENT)) found.push({ how: 'comment', text: match[1] as string })
  }
  if (!holdsToken(text)) return found
  for (const [token] of first(text, TOKEN)) {
    const decoded = readable(token)
    if (decoded !== undefined) found.push({ how: 'base64', text: decoded })
  }
  return found
}

const LEAST_TOKEN_LENGTH = 32
const IN_TOKENS = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(/[A-Za-z0-9+/_-]/.test(String.fromCharCode(code))),
)

const isInTokens = (text: string, at: number): boolean => IN_TOKENS[text.charCodeAt(at)] === 1

/**
 * Whether TOKEN can match: a run of so many characters has one at every such distance, so prose is passed in a few looks where
 * the pattern would begin anew at each letter.
 */
function holdsToken(text: string): boolean {
  for (let at = LEAST_TOKEN_LENGTH - 1; at < text.length; at += LEAST_TOKEN_LENGTH) {
    let from = at
    while (from >= 0 && at - from < LEAST_TOKEN_LENGTH && isInTokens(text, from)) from--
    let to = at
    while (to < text.length && to - from <= LEAST_TOKEN_LENGTH && isInTokens(text, to)) to++
    if (to - from > LEAST_TOKEN_LENGTH) return true
  }
  return false
}

function* first(text: string, pattern: RegExp): Generator<RegExpMatchArray> {
  let count = 0
  for (const match of text.matchAll(pattern)) {
    if (++count > MAX_FOUND) return
    yield match
  }
}

const shifted = (run: string, base: number): string =>
  Array.from(run, (char) => String.fromCharCode((char.codePointAt(0) as number) - base)).join('')

/** Sixteen selectors are the bytes 0 to 15, the supplement those from 16 on. */
function bytesOf(run: string): string {
  const bytes = Array.from(run, (char) => {
    const code = char.codePointAt(0) as number
    return code < 0x10000 ? code - 0xfe00 : code - 0xe0100 + 16
  })
  return Buffer.from(bytes).toString('utf8')
}

function readable(token: string): string | undefined {
  const bytes = /^(?:[0-9a-f]{2})+$/i.test(token) ? Buffer.from(token, 'hex') : Buffer.from(token, 'base64')
  if (!isUtf8(bytes)) return undefined
  const text = utf8.decode(bytes)
  return text.includes(' ') && PRINTABLE.test(text) ? text : undefined
}
