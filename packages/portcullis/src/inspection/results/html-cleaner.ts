/**
 * Decides what is left of a text that is HTML or SVG: what the lists of `html-allowed.ts` name, written anew by `sanitize-html`,
 * and whether anything that was taken away could have run, loaded, sent or covered something.
 */
import sanitizeHtml from 'sanitize-html'
import {
  ACTIVE_STYLE,
  DULL_ATTRIBUTES,
  DULL_ELEMENTS,
  HTML_ATTRIBUTES,
  HTML_ELEMENTS,
  SMALL_IMAGE,
  SVG_ATTRIBUTES,
  SVG_ELEMENTS,
  SVG_NAMESPACE,
  SVG_VALUE,
} from './html-allowed.ts'

export type MarkupKind = 'html' | 'svg'

export interface Cleaned {
  readonly text: string
  /** Names of what could have done something, at most eight; an empty list when only what is dull was taken away. */
  readonly active: readonly string[]
  /** Pictures of other hosts, which are not fetched any more. */
  readonly hasExternalImages: boolean
}

const MAX_NAMED = 8
const MAX_IMAGE_LENGTH = 65_536
/** So deep is no page; deeper ones make recursive readers fail. */
const MAX_DEPTH = 256
const EXTERNAL = /^\s*(?:https?:|ftp:|[\\/]{2})/i
const LINK = /^(?:https?:|mailto:|tel:|#|(?:\.{0,2}\/)?[\w.~%-]+(?:[/?#]|$)|\.{1,2}\/|\/(?![/\\]))/i
// oxlint-disable-next-line no-control-regex -- browsers skip them
const SKIPPED = /[\0-\x20\x7f-\xa0]+/g
/** What the parser may have read as text or comment and a browser would not. */
const SUSPECT =
  /<\s*\/?\s*(?:script|iframe|object|embed|math|style|link|meta|base|form)\b|<!\[CDATA|<!--[^>]{0,4096}<|<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)|<!DOCTYPE[^>[]{0,512}\[|<\?xml-stylesheet/i

type Attributes = Readonly<Record<string, string>>

/** Synchronous and linear; callers give longer texts to a thread. */
export function cleanMarkup(text: string, kind: MarkupKind): Cleaned {
  const active = new Set<string>()
  let hasExternalImages = false
  const note = (name: string) => active.size < MAX_NAMED && active.add(name.slice(0, 40))
  const onOpenTag = (name: string, attributes: Attributes) => {
    if (kind === 'html' && name === 'img' && isExternalImage(attributes)) hasExternalImages = true
    for (const found of kind === 'html' ? activeHtml(name, attributes) : activeSvg(name, attributes)) note(found)
  }
  const options = { ...(kind === 'html' ? HTML : SVG), onOpenTag }
  const cleaned = sanitizeHtml(text, options)
  if (active.size === 0 && SUSPECT.test(text)) note('hidden')
  return { text: cleaned, active: [...active], hasExternalImages }
}

const HTML: sanitizeHtml.IOptions = {
  allowedTags: [...HTML_ELEMENTS],
  allowedAttributes: { ...HTML_ATTRIBUTES },
  allowedSchemes: ['http', 'https', 'mailto', 'tel'],
  allowedSchemesByTag: { img: ['data'] },
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nonTextTags: [
    'script',
    'style',
    'textarea',
    'option',
    'noscript',
    'xmp',
    'template',
    'noembed',
    'noframes',
    'iframe',
    'svg',
    'math',
    'title',
    'object',
  ],
  nestingLimit: MAX_DEPTH,
  enforceHtmlBoundary: false,
  transformTags: {
    a: (tagName, attributes) => ({ tagName, attribs: safeLink(attributes) }),
    img: (tagName, attributes) => ({ tagName, attribs: safeImage(attributes) }),
  },
}

const SVG: sanitizeHtml.IOptions = {
  allowedTags: [...SVG_ELEMENTS],
  allowedAttributes: { '*': [...SVG_ATTRIBUTES] },
  allowedSchemes: [],
  disallowedTagsMode: 'discard',
  nonTextTags: ['script', 'style', 'foreignObject', 'foreignobject', 'title', 'iframe', 'handler', 'metadata'],
  nestingLimit: MAX_DEPTH,
  parser: { lowerCaseTags: false, lowerCaseAttributeNames: false, xmlMode: true },
  transformTags: { '*': (tagName, attributes) => ({ tagName, attribs: safeShape(tagName, attributes) }) },
}

function safeLink(attributes: Attributes): Record<string, string> {
  const { href, ...rest } = attributes
  return href !== undefined && LINK.test(href.replace(SKIPPED, '')) ? { ...rest, href } : rest
}

function safeImage(attributes: Attributes): Record<string, string> {
  const { src, ...rest } = attributes
  return src !== undefined && src.length <= MAX_IMAGE_LENGTH && SMALL_IMAGE.test(src) ? { ...rest, src } : rest
}

function safeShape(name: string, attributes: Attributes): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter(([attribute, value]) => isSafeShape(name, attribute, value)),
  )
}

function isSafeShape(name: string, attribute: string, value: string): boolean {
  if (attribute === 'xmlns') return name === 'svg' && value === SVG_NAMESPACE
  return SVG_ATTRIBUTES.includes(attribute) && SVG_VALUE.test(value)
}

const isExternalImage = ({ src = '' }: Attributes): boolean => EXTERNAL.test(src)

const SHOWN: ReadonlySet<string> = new Set(HTML_ELEMENTS)
const EVERYWHERE: ReadonlySet<string> = new Set(HTML_ATTRIBUTES['*'])
const ALLOWED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(HTML_ATTRIBUTES).map(([name, list]) => [name, new Set([...list, ...EVERYWHERE])] as const),
)

function* activeHtml(name: string, attributes: Attributes): Generator<string> {
  if (!SHOWN.has(name) && !DULL_ELEMENTS.has(name)) return yield name
  const allowed = ALLOWED.get(name) ?? EVERYWHERE
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute === 'href' && name === 'a') {
      if (!LINK.test(value.replace(SKIPPED, '')) && value.includes(':')) yield 'href'
    } else if (attribute === 'src' && name === 'img') {
      if (!EXTERNAL.test(value) && !SMALL_IMAGE.test(value) && value.includes(':')) yield 'src'
    } else if (
      attribute === 'style' ? ACTIVE_STYLE.test(value) : !allowed.has(attribute) && !DULL_ATTRIBUTES.test(attribute)
    ) {
      yield attribute
    }
  }
}

/** Editors write much that is dull into a picture; only what could do something counts. */
function* activeSvg(name: string, attributes: Attributes): Generator<string> {
  if (!SVG_ELEMENTS.includes(name) && !DULL_SHAPE.test(name)) yield name
  for (const [attribute, value] of Object.entries(attributes)) {
    if (isSafeShape(name, attribute, value)) continue
    if (
      DULL_ATTRIBUTES.test(attribute) && attribute !== 'xmlns'
        ? ACTIVE_STYLE.test(value)
        : !DULL_SHAPE_ATTRIBUTE.test(attribute)
    )
      yield attribute
  }
}

const DULL_SHAPE = /^(?:metadata|sodipodi:.*|inkscape:.*|rdf:.*|dc:.*|cc:.*)$/
const DULL_SHAPE_ATTRIBUTE =
  /^(?:xmlns:(?:xlink|svg|inkscape|sodipodi|rdf|dc|cc|sketch)|xml:space|enable-background|inkscape:.*|sodipodi:.*|sketch:.*|rdf:.*|baseProfile|filter|paint-order|mix-blend-mode)$/
