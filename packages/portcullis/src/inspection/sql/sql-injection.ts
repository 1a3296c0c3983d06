import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { handedValue, headedValue } from '../views/handed-value.ts'
import { cellsWithin, linesWithin } from '../views/values-within.ts'
import { mayBeSql } from './literal-clues.ts'
import { isOperatorInQuotes, type Place, shapeIn } from './sql-shapes.ts'
import { tokensOf } from './sql-tokens.ts'

/**
 * Finds text that changes a query into which somebody pastes it. Linear: the text is read once as it is, strings in it twice more,
 * and a bounded number of short windows behind quotes that could end a string.
 *
 * The idea of reading a value as a database would, in each context of quotes, and of deciding by the sequence of token types is
 * published (Nick Galbreath, "libinjection", Black Hat USA 2012); rules and words here are our own.
 */
export const sqlInjection: Inspect = (value) => {
  if (!SUSPICIOUS.test(value)) return NOTHING
  const text = spaced(value)
  const found = inText(text) ?? withoutComments(text) ?? inSentence(text) ?? inParts(text)
  return found === undefined ? NOTHING : [found]
}

/** A value that a sentence hands on. Operators in quotes are what a sentence may speak of. */
function inSentence(text: string): Sighting | undefined {
  const handed = handedValue(text)
  const found = handed === undefined ? undefined : inText(handed)
  if (found !== undefined) return found
  const head = headedValue(text)
  return head === undefined || isOperatorInQuotes(head) ? undefined : inText(head)
}

/** A line of a text or a cell of a table is pasted into a query as it is. */
function inParts(text: string): Sighting | undefined {
  for (const parts of [linesWithin(text), cellsWithin(text)]) {
    for (const part of parts) {
      const found = SUSPICIOUS.test(part) ? inText(part) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

const inText = (text: string): Sighting | undefined =>
  (mayBeSql(text.toLowerCase()) ? natural(text, 0) : undefined) ?? broken(text, "'") ?? broken(text, '"')

/** Two words of one sentence of SQL with nothing but a comment between them; a pattern of files (`update/**`) has one. */
const COMMENT_AS_BLANK =
  /\b(?:union|insert|replace|delete|drop|order|group)\/\*[^*/]{0,40}\*\/(?:all|select|into|from|table|database|view|by)\b|^\s*(?:drop|truncate)\/\*[^*/]{0,40}\*\/\w|\bselect\/\*[^*/]{0,40}\*\/[^;]{1,80}?\/\*[^*/]{0,40}\*\/from\b/i

// Filters that cut comments out join what stands around them, `un/**/ion`; and a comment to the end of a line is a blank.
const INNER_COMMENT = /(?<=\w)\/\*[^*]{0,40}\*\/(?=\w)/g
const LINE_COMMENT = /(?:--|#)[^\n'"]{0,80}\n/g

function withoutComments(text: string): Sighting | undefined {
  const between = text.includes('/*') ? COMMENT_AS_BLANK.exec(text) : null
  if (between !== null) return sighting('sql.comment-as-blank', text, between.index)
  const joined = text.includes('/*') ? text.replace(INNER_COMMENT, '') : text
  const plain = joined.includes('\n') ? joined.replace(LINE_COMMENT, ' ') : joined
  return plain === text ? undefined : inText(plain)
}

/** In a form of the web a plus is a space; without any space, words that are joined by it were one. */
const spaced = (text: string): string =>
  text.includes('+') && /[a-z0-9'")]\+[a-z0-9('"-]/i.test(text) && !/\s/.test(text) ? text.replaceAll('+', ' ') : text

const NOTHING: readonly Sighting[] = []

/** Without one of these no rule can match. */
const SUSPICIOUS =
  /['"=<>;(#@|]|--|::|\)\s{0,8}as\s|\/\*|&&|\b(?:union|having|(?:order|group)\s+by|like|regexp|rlike|between|select|exec(?:ute)?\s+(?:xp|sp)_\w+|case\s+\S{1,40}\s+when|is\s+not|or\s+true|information_schema)\b/i

/** Of a long text, so many tokens are looked at, which bounds the memory. */
const MAX_TOKENS = 200_000
const WINDOW_CHARACTERS = 200
const WINDOW_TOKENS = 20
const MIN_WINDOWS = 16
const CHARACTERS_PER_WINDOW = 512
const MIN_INNER_LENGTH = 6
/** Of strings within strings: a value in JSON, and what it quotes. */
const MAX_DEPTH = 2

/** The text as a database would read it where no quote is open, and then what is in its strings. */
function natural(text: string, depth: number): Sighting | undefined {
  const tokens = tokensOf(text, MAX_TOKENS)
  const found = shapeIn(tokens, 'anywhere')
  if (found !== undefined) return sighting(found.reason, text, tokens.startOf(found.at))
  if (depth >= MAX_DEPTH) return undefined
  for (let at = tokens.shape.search(/[sS]/); at >= 0 && at < tokens.shape.length; at++) {
    const letter = tokens.shape[at]
    if (letter !== 's' && letter !== 'S') continue
    const inner = text.slice(tokens.startOf(at) + 1, letter === 's' ? tokens.endOf(at) - 1 : undefined)
    if (inner.length < MIN_INNER_LENGTH || !SUSPICIOUS.test(inner) || !mayBeSql(inner.toLowerCase())) continue
    const within = natural(inner, depth + 1)
    if (within !== undefined) return within
  }
  return undefined
}

/** What could follow a string that an attacker has ended, cheaply. */
const CONTINUES =
  /[\s`)+]{0,16}(?:\/\*|--|#|[;=<>|&!~^*%/,+-]|(?:or|and|xor|union|like|rlike|regexp|glob|ilike|is|isnull|notnull|not|in|between|order|group|having|limit|where|for|returning|procedure|fetch|set|values|with|into|collate|div|mod|match|sounds|similar|procedure|if|sleep|waitfor|create|drop|insert|exec|execute|update|delete|declare|shutdown)(?![\p{L}]))/iuy

/** Quotes of one kind that somebody could mean to end a string with, and what is behind each. */
function broken(text: string, quote: Exclude<Place, 'anywhere'>): Sighting | undefined {
  if (!text.includes(quote)) return undefined
  if (isOperatorInQuotes(text)) return sighting('sql.operator-in-quotes', text, 0)
  if (ENDS_STATEMENT.test(text) && text.indexOf(quote) === text.lastIndexOf(quote))
    return sighting('sql.statement-ended', text, text.indexOf(quote))
  const empty = EMPTY_OPERAND.exec(text)
  if (empty !== null) return sighting('sql.condition-after-quote', text, empty.index)
  if (isNatural(text, quote)) return undefined
  const maxWindows = MIN_WINDOWS + Math.floor(text.length / CHARACTERS_PER_WINDOW)
  let windows = 0
  for (let at = text.indexOf(quote); at >= 0 && windows < maxWindows; at = text.indexOf(quote, at + 1)) {
    CONTINUES.lastIndex = at + 1
    if (!CONTINUES.test(text)) continue
    windows++
    const tokens = tokensOf(text.slice(at + 1, at + 1 + WINDOW_CHARACTERS), WINDOW_TOKENS)
    const found = shapeIn(tokens, quote)
    if (found?.reason === 'sql.comment-after-quote' && !endsWord(text, at)) continue
    if (found !== undefined) return sighting(found.reason, text, at)
  }
  return undefined
}

/** `admin';`: a quote that nothing opened, and that means no feet, ends a string, and the sign behind it the statement. */
const ENDS_STATEMENT = /(?:^|[^\s\d])['"][)\s]{0,8}(?:\/\*[^*]{0,80}\*\/\s{0,8})?;{1,2}\s*(?:$|--|#)/

/** `' or ''='`: a quote, a conjunction, and a string without anything in it that is compared. */
const EMPTY_OPERAND =
  /(['"])[)\s]{0,8}(?:or|and|xor|\|\||&&)[\s(]{0,8}\1\1?\s{0,8}(?:[=<>]|!=|like|\|\||in\s*\(|[-+*^&%/]?\s{0,8}\1\s*$)/i

/** `admin'--` ends a word, or begins the text. */
const endsWord = (text: string, at: number): boolean => at === 0 || /\S/.test(text[at - 1] as string)

const BEFORE_OPENING = /[\s=(,[{:<>+&|?;/\\!"'`@]/
const AFTER_CLOSING = /[\s=),\]}:<>+&|?;.!/\\"'`-]/

/**
 * Whether all quotes of this kind come in pairs that stand as quotes do: something that ends a word before the first, something
 * that begins none behind the second. Then nobody broke out of anything.
 */
function isNatural(text: string, quote: string): boolean {
  let open = false
  for (let at = text.indexOf(quote); at >= 0; at = text.indexOf(quote, at + 1)) {
    const near = open ? text[at + 1] : text[at - 1]
    if (near !== undefined && !(open ? AFTER_CLOSING : BEFORE_OPENING).test(near)) return false
    open = !open
  }
  return !open
}

function sighting(reason: string, text: string, at: number): Sighting {
  return { family: 'sql', weight: 'strong', reason, evidence: evidence(text.slice(Math.max(0, at - 20), at + 120)) }
}
