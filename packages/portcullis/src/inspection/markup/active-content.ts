/** Decides which tags make a browser run or fetch something that the page did not mean. */
import type { Tag } from './tag-scan.ts'

/** Elements that are active by being there. */
const ELEMENTS: ReadonlySet<string> = new Set(
  'script iframe frame frameset object embed applet bgsound layer ilayer isindex event-source xss vmlframe handler listener noscript'.split(
    ' ',
  ),
)
/** Those whose attributes mean more than those of others. */
const SPECIAL: ReadonlySet<string> = new Set(
  'base meta link style xml set animate ?import ?xml-stylesheet import'.split(' '),
)
/** Attributes whose value is loaded or run. */
const URL_ATTRIBUTE =
  /^(?:href|src|action|formaction|data|background|dynsrc|lowsrc|poster|to|values|from|by|folder|code|codebase|manifest|xlink:href|.*:href|cite|ping|srcset|content|archive|profile|longdesc|classid|handler|url|location|content-?script-?type|implementation)$/
/** Every handler begins like this, those of the future too. */
const HANDLER = /^on[a-z]{3,40}(?:$|[^a-z])/
/** Attributes in which frameworks evaluate script: Alpine, Vue, Angular, htmx, Knockout. */
const DIRECTIVE =
  /^(?:x-(?:init|on|data|html|effect|bind|show|text|if|for)|v-(?:on|html|bind|if|text)|ng-\w+|data-ng-\w+|hx-on|hx-vals|data-bind|@[a-z]|:on)/
/** Blanks and controls, which browsers skip inside of a scheme (WHATWG URL, "basic URL parser"). */
const BLANKS = '[\\s\\0-\\x1f]*'
const spread = (word: string): string => word.split('').join(BLANKS)
/** The scheme of a URL that is script, however it is spread out. */
export const SCRIPT_SCHEME = `(?:${['javascript', 'vbscript', 'livescript', 'ecmascript', 'mocha'].map(spread).join('|')})${BLANKS}:`
const SCRIPT_URL = new RegExp(
  `^[\\s\\0-\\x20\\x80-\\xa0"'\`&;,]*(?:\\d+;?\\s*)?(?:url=['"]?)?(?:feed:|view-source:|jar:)?${SCRIPT_SCHEME}`,
  'i',
)
const DATA_URL =
  /^[\s"'`]*data:\s*(?:text\/(?:html|xml|javascript|x-scriptlet)|image\/svg|application\/(?:xhtml|xml|x-javascript|javascript)|[^/]*$|,|;)/i
/** What no style attribute needs: it runs, fetches, or ends the declaration list. */
const ACTIVE_STYLE =
  /expression\s*\(|(?:java|vb)\s*script\s*:|-moz-binding|-ms-behavior|behaviou?r\s*:|@import|@im\\?port|url\s*\(|(?:\\[0-9a-f]{2,6}){3}|[{}[\]]|\\[0-9a-f]{2,6}.{0,40}[:(]|-o-link/i

/** Likewise for a sheet, which has braces and pictures of its own. */
const ACTIVE_SHEET =
  /expression\s*\(|(?:java|vb)\s*script\s*:|-moz-binding|behaviou?r\s*:|@im\\?port|url\s*\(\s*["']?\s*(?:data:(?:text|image\/svg)|\/\/|[^)]*\.svg)|\\[0-9a-f]{2,6}.{0,40}[:(]|<!--/i

/** Why the tag is active, or undefined; `text` is where it was found, for elements whose content matters. */
export function activePart(tag: Tag, text: string): string | undefined {
  const name = tag.name.slice(tag.name.lastIndexOf(':') + 1).replace(/[^a-z!?-].*$/, '')
  if (ELEMENTS.has(name)) return 'element'
  const handler = tag.attributes.find(
    ([attribute, value]) =>
      value !== '' && (HANDLER.test(attribute) || (DIRECTIVE.test(attribute) && /[(`=]/.test(value))),
  )
  if (handler !== undefined) return 'handler'
  if (!SPECIAL.has(name)) return hasActiveAttribute(tag) ? 'attribute' : undefined
  const names = new Map(tag.attributes)
  switch (name) {
    case 'base':
      return names.has('href') ? 'element' : undefined
    case 'meta':
      return names.has('http-equiv') || /utf-?7/i.test(names.get('charset') ?? '') ? 'element' : undefined
    case 'link':
      return names.has('href') || /import|stylesheet/i.test(names.get('rel') ?? '') ? 'element' : undefined
    case 'style':
      return ACTIVE_SHEET.test(text.slice(tag.end, tag.end + 2000)) || hasActiveAttribute(tag) ? 'style' : undefined
    case 'xml':
      return names.has('src') || names.has('id') ? 'element' : undefined
    case 'set':
    case 'animate':
      return names.has('attributename') ? 'element' : undefined
    case '?import':
    case '?xml-stylesheet':
      return 'element'
    case 'import':
      return names.has('implementation') ? 'element' : undefined
    default:
      return hasActiveAttribute(tag) ? 'attribute' : undefined
  }
}

function hasActiveAttribute({ attributes }: Tag): boolean {
  return attributes.some(([name, value]) => {
    if (name === 'srcdoc' || name === 'ev:handler' || name === 'ev:event' || name === 'datasrc') return true
    if (name === 'style') return ACTIVE_STYLE.test(value)
    if (name === 'xmlns' || name.startsWith('xmlns:')) return /schema:|data:|xml-events/i.test(value)
    if (name === 'xlink:href') return !/^(?:#|data:image\/(?:png|jpe?g|gif|webp))/i.test(value)
    return URL_ATTRIBUTE.test(name) && (SCRIPT_URL.test(value) || DATA_URL.test(value))
  })
}
