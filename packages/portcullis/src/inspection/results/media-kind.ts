/** Decides what a text of a result is written in: by its media type (RFC 2045), else by how it begins, as browsers guess. */
import type { TextKind } from './result-text.ts'

export interface MediaKind {
  readonly kind: TextKind
  readonly isDeclared: boolean
}

/** The scheme of resources that a client runs in a sandboxed frame (MCP Apps). The media type alone would let anybody in. */
const UI_SCHEME = /^ui:\/\//i
const HTML = new Set(['text/html', 'application/xhtml+xml', 'application/vnd.wap.xhtml+xml', 'multipart/x-mixed-replace'])
const SVG = new Set(['image/svg+xml', 'image/svg'])
const XML = new Set(['text/xml', 'application/xml', 'text/xsl', 'application/xslt+xml', 'application/xml-dtd'])
const MARKDOWN = new Set(['text/markdown', 'text/x-markdown', 'text/x-gfm'])
/** These say nothing: whoever sends them has not looked. */
const VAGUE = new Set(['', 'text/plain', 'application/octet-stream', 'application/unknown', 'unknown/unknown', 'text/*', '*/*'])

/** How much of a beginning is looked at, blanks and comments included. */
const LOOK = 1_024
const MARKUP = /^(?:<!doctype\b|<!--|<\?xml\b|<\/?[a-z][a-z0-9:-]*(?:[\s/>]|$))/i

export function mediaKind(text: string, mimeType: unknown, uri?: unknown): MediaKind {
  const type = typeof mimeType === 'string' ? mimeType.split(';')[0]?.trim().toLowerCase() : undefined
  if (typeof uri === 'string' && UI_SCHEME.test(uri) && (type === undefined || HTML.has(type))) return { kind: 'ui', isDeclared: true }
  const declared = type === undefined ? undefined : declaredKind(type)
  return declared === undefined ? { kind: begins(text) ?? 'markdown', isDeclared: false } : { kind: declared, isDeclared: true }
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
