/** Decides what a text of a result is written in: by its media type (RFC 2045), else by how it begins, as browsers guess. */
import type { TextKind } from './result-text.ts'

export interface MediaKind {
  readonly kind: TextKind
}

/** The scheme of resources that a client runs in a sandboxed frame (MCP Apps). The media type alone would let anybody in. */
const UI_SCHEME = /^ui:\/\//i
const HTML = new Set([
  'text/html',
  'application/xhtml+xml',
  'application/vnd.wap.xhtml+xml',
  'multipart/x-mixed-replace',
])
const SVG = new Set(['image/svg+xml', 'image/svg'])
const XML = new Set(['text/xml', 'application/xml', 'text/xsl', 'application/xslt+xml', 'application/xml-dtd'])
const MARKDOWN = new Set(['text/markdown', 'text/x-markdown', 'text/x-gfm'])
/** These say nothing: whoever sends them has not looked. */
const VAGUE = new Set([
  '',
  'text/plain',
  'application/octet-stream',
  'application/unknown',
  'unknown/unknown',
  'text/*',
  '*/*',
])

/** How much of a beginning is looked at, blanks and comments included. */
const LOOK = 1_024
/** A name that HTML knows; `<Enter>` and `<T>` are none, and what they are in is read as any other text. */
const MARKUP =
  /^(?:<!doctype\b|<!--|<\?xml\b|<!\[cdata\[|<\/?(?:a|abbr|address|article|aside|audio|b|base|bdo|blockquote|body|br|button|canvas|caption|center|cite|code|col|dd|del|details|dialog|div|dl|dt|em|embed|fieldset|figure|font|footer|form|frame|frameset|h[1-6]|head|header|hr|html|i|iframe|img|image|input|ins|kbd|label|li|link|main|map|mark|marquee|math|meta|nav|noscript|object|ol|option|p|picture|plaintext|pre|script|section|select|small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|th|thead|title|tr|tt|u|ul|var|video|xmp)(?:[\s/>]|$))/i

export function mediaKind(text: string, mimeType: unknown, uri?: unknown): MediaKind {
  const type = typeof mimeType === 'string' ? mimeType.split(';')[0]?.trim().toLowerCase() : undefined
  if (typeof uri === 'string' && UI_SCHEME.test(uri) && (type === undefined || HTML.has(type))) return { kind: 'ui' }
  const declared = type === undefined ? undefined : declaredKind(type)
  return { kind: declared ?? begins(text) ?? 'markdown' }
}

/** Whether a blob of this type is text that is displayed, so that it has to be decoded and looked at. */
export function isMarkupType(mimeType: unknown): boolean {
  if (typeof mimeType !== 'string') return false
  const kind = declaredKind(mimeType.split(';')[0]?.trim().toLowerCase() ?? '')
  return kind !== undefined && kind !== 'source' && kind !== 'binary'
}

function declaredKind(type: string): TextKind | undefined {
  if (VAGUE.has(type)) return undefined
  if (HTML.has(type)) return 'html'
  if (SVG.has(type)) return 'svg'
  if (XML.has(type) || type.endsWith('+xml')) return 'xml'
  if (MARKDOWN.has(type)) return 'markdown'
  // Other kinds of text are for editors and programs; whatever is no text has no business to be one.
  return type.startsWith('text/') || type.startsWith('application/') ? 'source' : undefined
}

function begins(text: string): TextKind | undefined {
  const start = text.slice(0, LOOK).replace(/^[\s\ufeff\0]+/, '')
  if (!start.startsWith('<') || !MARKUP.test(start)) return undefined
  if (/^<svg[\s>]/i.test(start)) return 'svg'
  if (!/^<\?xml\b/i.test(start)) return 'html'
  return /<svg[\s>]/i.test(start) ? 'svg' : /<html[\s>]/i.test(start) ? 'html' : 'xml'
}
