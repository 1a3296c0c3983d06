/** Decides which elements and attributes of a page could have run, loaded, sent or covered something. */
import {
  ACTIVE_STYLE,
  DULL_ATTRIBUTES,
  DULL_ELEMENTS,
  HTML_ATTRIBUTES,
  HTML_ELEMENTS,
  SMALL_IMAGE,
} from './html-allowed.ts'

const SHOWN: ReadonlySet<string> = new Set(HTML_ELEMENTS)
const EVERYWHERE: ReadonlySet<string> = new Set(HTML_ATTRIBUTES['*'])
const ALLOWED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(HTML_ATTRIBUTES).map(([name, list]) => [name, new Set([...list, ...EVERYWHERE])] as const),
)
const EXTERNAL = /^\s*(?:https?:|ftp:|[\\/]{2})/i
const LINK = /^(?:https?:|mailto:|tel:|#|(?:\.{0,2}\/)?[\w.~%-]+(?:[/?#]|$)|\.{1,2}\/|\/(?![/\\]))/i
// oxlint-disable-next-line no-control-regex -- browsers skip them
const SKIPPED = /[\0-\x20\x7f-\xa0]+/g

/** The element is shown. */
export const isShown = (name: string): boolean => SHOWN.has(name)

/** The attribute stays on this element, with values that `isLink` and `isSmallImage` may refuse. */
export const isAllowed = (name: string, attribute: string): boolean => (ALLOWED.get(name) ?? EVERYWHERE).has(attribute)

export const isActiveElement = (name: string): boolean => !SHOWN.has(name) && !DULL_ELEMENTS.has(name)

/** `value` without references to characters. */
export function isActiveAttribute(name: string, attribute: string, value: string): boolean {
  if (attribute === 'href' && name === 'a') return value.includes(':') && !LINK.test(value.replace(SKIPPED, ''))
  if (attribute === 'src' && name === 'img')
    return value.includes(':') && !EXTERNAL.test(value) && !SMALL_IMAGE.test(value)
  if (attribute === 'style') return ACTIVE_STYLE.test(value)
  return !isAllowed(name, attribute) && !DULL_ATTRIBUTES.test(attribute)
}

/** Where a link leads when somebody follows it, without what browsers skip; undefined when it may run something or names no scheme. */
export function safeLink(href: string): string | undefined {
  const plain = href.replace(SKIPPED, '')
  return LINK.test(plain) ? plain : undefined
}

/** A picture of another host. `src` without references to characters. */
export const isExternal = (src: string): boolean => EXTERNAL.test(src)
