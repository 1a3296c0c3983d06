/**
 * Decides which tags inside of a text that is displayed as markdown would run or fetch something, and takes their `<` away.
 * Any `<` before a letter, `/`, `!` or `?` may begin one, whatever stands before it; nothing here parses a document.
 */
import { decodeEntities } from '../views/entities.ts'
import type { Edit } from './edit.ts'

/** Also as JSON writes it, because many results are JSON that a client shows in parts. */
const OPENING = /(?:<|\\u003c)(?=[a-z/!?%\0])/gi
const HARMLESS: ReadonlySet<string> = new Set(
  'a abbr b blockquote br center cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q s samp section small span strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var wbr'.split(
    ' ',
  ),
)
const TAG_NAME = /\/?([a-z][a-z0-9]{0,10})(>)?/iy
/** Numbers and plain words. */
const HARMLESS_ATTRIBUTES =
  /(?:\s+(?:align|valign|width|height|colspan|rowspan|open|start|type|class|id|dir|lang)(?:\s{0,8}=\s{0,8}(?:\\?"[\w %#.-]*\\?"|'[\w %#.-]*'|[\w%]+))?)*\s*\/?(?:>|\\u003e)/iy
const PLAIN_LINK = /<a\s+href\s*=\s*"(?:https?:\/\/|mailto:|#|\.{0,2}\/(?!\/))[^"<>&\s\\]*"\s*>/iy
const AUTOLINK = /<(?:https?:\/\/[^\s<>"'`\\&]*|mailto:[^\s<>"'`\\&]*|[\w.+-]+@[\w.-]+)>/iy
const COMMENT = /<!--(?:[^<>&-]|-(?!->))*-->/y
/** No tag of a browser and none of markdown: a generic type, a comparison, a placeholder. */
const WORD = /<[A-Za-z][\w .,|-]*>/y

const LOOK = 8
const MAX_TAG = 2_048
/** All tags together may read the text so many times over. */
const READINGS = 4

/** Active by being there, and active by what its attributes name. */
const ACTIVE_NAME =
  /^(?:<|\\u003c)[\s\0%/]*(?:[a-z]+:)?(?:script|style|svg|math|xss|foreignobject|\?xml-stylesheet|\?import|!entity)(?![a-z0-9-])/i
const ACTIVE_WITH_ATTRIBUTES =
  /^(?:<|\\u003c)[\s\0%]*(?:[a-z]+:)?(?:iframe|frame|frameset|object|embed|applet|base|meta|link|form|input|button|textarea|select|isindex|marquee|bgsound|layer|portal|fencedframe|audio|video|source|track|animate\w*|set|image|use|import|keygen)[\s/\0"']/i
const ACTIVE_ATTRIBUTE =
  /(?:[\s/"'`\0]|\\[nrt])on[a-z]{3,40}[\s\0]*=|(?:^|[\s/"'`])(?:srcdoc|formaction|action|xlink:href|srcset|ping|background|poster|dynsrc|lowsrc|datasrc|autofocus|is|contenteditable|popovertarget)[\s\0]*=|style[\s\0]*=[^>]{0,400}(?:url\s*\(|expression|@import|behaviou?r|-moz-binding|\\|image-set)/i
// oxlint-disable-next-line no-control-regex -- browsers skip them
const SCHEME = /(?:j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t|v\s*b\s*s\s*c\s*r\s*i\s*p\s*t|livescript|d\s*a\s*t\s*a)\s*:/i
// oxlint-disable-next-line no-control-regex -- likewise
const CONTROLS = /[\0-\x20\x7f-\xa0]+/g
const EXTERNAL_IMAGE = /^(?:<|\\u003c)\s*(?:img|picture|source)\b[^>]*\bsrc\s*=\s*\\?["']?\s*(?:https?:|ftp:|[\\/]{2})/i
const HIDDEN_STYLE = /style[\s]*=/i

/** Edits of the range; tags may reach beyond its end. `isCode` is asked for growing positions. */
export function tagEdits(text: string, from: number, to: number, isCode: (at: number) => boolean): readonly Edit[] {
  const edits: Edit[] = []
  let budget = (to - from) * READINGS + MAX_TAG
  for (const match of text.slice(from, to + LOOK).matchAll(OPENING)) {
    const at = from + match.index
    const { length } = match[0]
    if (at >= to) break
    if (isHarmless(text, at + length)) continue
    const code = isCode(at)
    if (matches(PLAIN_LINK, text, at) || matches(AUTOLINK, text, at)) continue
    const tag = budget < 0 ? '' : text.slice(at, endOf(text, at))
    budget -= tag.length
    const weight = budget < 0 ? ('strong' as const) : weightOf(tag)
    if (weight === undefined && (matches(WORD, text, at) || matches(COMMENT, text, at))) continue
    const insert = '&lt;'
    if (weight === undefined) edits.push({ at, length, insert, weight: 'silent' })
    else if (code) edits.push({ at, length, insert, weight: 'hint', reason: 'code' })
    else edits.push({ at, length, insert, weight, reason: weight === 'strong' ? 'active-tag' : 'external-image' })
  }
  return edits
}

/** A name that runs nothing, alone or with harmless attributes. */
function isHarmless(text: string, at: number): boolean {
  TAG_NAME.lastIndex = at
  const found = TAG_NAME.exec(text)
  if (found === null || !HARMLESS.has((found[1] as string).toLowerCase())) return false
  return found[2] === '>' || matches(HARMLESS_ATTRIBUTES, text, TAG_NAME.lastIndex)
}

function matches(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at
  return pattern.test(text)
}

/** A `>` inside of a quoted value ends no tag; quotes count after `=` only (HTML, "Tokenization"). */
function endOf(text: string, at: number): number {
  const limit = Math.min(text.length, at + MAX_TAG)
  let quote = ''
  let afterEquals = false
  for (let here = at + 1; here < limit; here++) {
    const char = text[here] as string
    if (quote !== '') {
      if (char === quote) quote = ''
      continue
    }
    if (char === '>') return here + 1
    if (afterEquals && (char === '"' || char === "'")) quote = char
    afterEquals = char === '=' || (afterEquals && (char === ' ' || char === '\n' || char === '\t' || char === '\\'))
  }
  return limit
}

function weightOf(tag: string): 'strong' | 'hint' | undefined {
  if (ACTIVE_NAME.test(tag) || ACTIVE_WITH_ATTRIBUTES.test(tag) || ACTIVE_ATTRIBUTE.test(tag)) return 'strong'
  const decoded = decodeEntities(tag)
  if (SCHEME.test(decoded.replace(CONTROLS, ' ').replaceAll(' ', '')) && /=/.test(tag)) return 'strong'
  if (ACTIVE_ATTRIBUTE.test(decoded)) return 'strong'
  if (/^<(?:javascript|vbscript|data|file|ms-|vscode|slack|zoommtg):/i.test(decoded)) return 'strong'
  if (EXTERNAL_IMAGE.test(decoded)) return 'hint'
  return HIDDEN_STYLE.test(tag) && /url|\\|&/.test(tag) ? 'strong' : undefined
}
