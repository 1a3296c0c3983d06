/**
 * Decides what is left of a text that is SVG: what the lists of `html-allowed.ts` name, written anew by `sanitize-html`, and whether
 * anything that was taken away could have run, loaded, sent or covered something.
 */
import sanitizeHtml from 'sanitize-html'
import { ActiveNames, type Cleaned } from './cleaned.ts'
import {
  ACTIVE_STYLE,
  DULL_ATTRIBUTES,
  SVG_ATTRIBUTES,
  SVG_ELEMENTS,
  SVG_NAMESPACE,
  SVG_VALUE,
} from './html-allowed.ts'

/** So deep is no picture; deeper ones make recursive readers fail. */
const MAX_DEPTH = 256

/** What the parser may have read as text or comment and a browser would not. */
export const SUSPECT: RegExp =
  /<\s*\/?\s*(?:script|iframe|object|embed|math|style|link|meta|base|form)\b|<!\[CDATA|<!--[^>]{0,4096}<|<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)|<!DOCTYPE[^>[]{0,512}\[|<\?xml-stylesheet/i

type Attributes = Readonly<Record<string, string>>

/** Synchronous and linear; callers give longer texts to a thread. */
export function cleanSvg(text: string): Cleaned {
  const active = new ActiveNames()
  const onOpenTag = (name: string, attributes: Attributes) => {
    for (const found of activeSvg(name, attributes)) active.add(found)
  }
  const cleaned = sanitizeHtml(text, { ...SVG, onOpenTag })
  if (active.isEmpty && SUSPECT.test(text)) active.add('hidden')
  return { text: cleaned, active: active.list(), hasExternalImages: false }
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

function safeShape(name: string, attributes: Attributes): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter(([attribute, value]) => isSafeShape(name, attribute, value)),
  )
}

function isSafeShape(name: string, attribute: string, value: string): boolean {
  if (attribute === 'xmlns') return name === 'svg' && value === SVG_NAMESPACE
  return SVG_ATTRIBUTES.includes(attribute) && SVG_VALUE.test(value)
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
