/**
 * A page as `sanitize-html` leaves it, with the same lists: what the filter is compared with. It is another parser by other people, so that
 * what both keep and both call active is hardly a mistake of one of them.
 */
import sanitizeHtml from 'sanitize-html'
import { isActiveAttribute, isActiveElement } from '../../../src/inspection/results/active-html.ts'
import type { Cleaned } from '../../../src/inspection/results/cleaned.ts'
import { HTML_ATTRIBUTES, HTML_ELEMENTS, SMALL_IMAGE } from '../../../src/inspection/results/html-allowed.ts'
import { SUSPECT } from '../../../src/inspection/results/svg-cleaner.ts'

const MAX_DEPTH = 256
const EXTERNAL = /^\s*(?:https?:|ftp:|[\\/]{2})/i
const LINK = /^(?:https?:|mailto:|tel:|#|(?:\.{0,2}\/)?[\w.~%-]+(?:[/?#]|$)|\.{1,2}\/|\/(?![/\\]))/i
// oxlint-disable-next-line no-control-regex -- browsers skip them
const SKIPPED = /[\0-\x20\x7f-\xa0]+/g

type Attributes = Readonly<Record<string, string>>

export function sanitizedPage(text: string): Cleaned {
  const active = new Set<string>()
  let hasExternalImages = false
  const onOpenTag = (name: string, attributes: Attributes) => {
    if (name === 'img' && EXTERNAL.test(attributes['src'] ?? '')) hasExternalImages = true
    if (isActiveElement(name)) return void active.add(name)
    for (const [attribute, value] of Object.entries(attributes))
      if (isActiveAttribute(name, attribute, value)) active.add(attribute)
  }
  const cleaned = sanitizeHtml(text, { ...HTML, onOpenTag })
  if (active.size === 0 && SUSPECT.test(text)) active.add('hidden')
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

function safeLink(attributes: Attributes): Record<string, string> {
  const { href, ...rest } = attributes
  return href !== undefined && LINK.test(href.replace(SKIPPED, '')) ? { ...rest, href } : rest
}

function safeImage(attributes: Attributes): Record<string, string> {
  const { src, ...rest } = attributes
  return src !== undefined && SMALL_IMAGE.test(src) ? { ...rest, src } : rest
}
