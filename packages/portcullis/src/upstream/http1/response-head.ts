import { Fault } from '../../core/fault.ts'

/**
 * Reads the head of an HTTP/1.1 response, and refuses whatever two readers could understand differently (RFC 9112).
 *
 * The upstream is not trusted: a head that hides where its body ends would let it answer the next caller's request.
 */
export interface ResponseHead {
  readonly status: number
  /** Names in lower case; an array where a name came more than once. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly framing: Framing
  /** False when the connection ends with this response. */
  readonly persistent: boolean
  /** For how long the upstream keeps an idle connection, when it says so. */
  readonly keepSeconds: number | undefined
}

/** How the end of the body is known: its length, its last chunk, or the end of the connection. */
export type Framing = number | 'chunked' | 'close'

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Control characters, a bare CR or LF among them; obs-text is left to those who read the value. */
// oxlint-disable-next-line no-control-regex -- exactly those are looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/
const MAX_HEADERS = 200

/** `text` is the head without its closing empty line, read as latin1. Throws `upstream.malformed`. */
export function readHead(text: string): ResponseHead {
  const firstEnd = text.indexOf('\r\n')
  const statusLine = firstEnd < 0 ? text : text.slice(0, firstEnd)
  const [, minor, code] = STATUS_LINE.exec(statusLine) ?? malformed('status line')
  if (CONTROL.test(statusLine)) malformed('status line')
  const headers = firstEnd < 0 ? Object.create(null) : readHeaders(text, firstEnd + 2)
  const status = Number(code)
  return {
    status,
    headers,
    framing: framingOf(status, headers, minor === '1'),
    persistent: minor === '1' && !lists(headers['connection'], 'close'),
    keepSeconds: keepSecondsOf(headers['keep-alive']),
  }
}

function readHeaders(text: string, from: number): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null)
  let count = 0
  for (let start = from; start < text.length; ) {
    const found = text.indexOf('\r\n', start)
    const end = found < 0 ? text.length : found
    if (++count > MAX_HEADERS) malformed('too many headers')
    readHeader(text, start, end, headers)
    start = end + 2
  }
  return headers
}

/** White space before the colon and folded lines (RFC 9112 §5.1, §5.2) fail the test of the name. */
function readHeader(text: string, start: number, end: number, headers: Record<string, string | string[]>): void {
  const colon = text.indexOf(':', start)
  if (colon < 0 || colon >= end) malformed('header')
  const written = text.slice(start, colon)
  if (!NAME.test(written)) malformed('header')
  const value = text.slice(colon + 1, end).trim()
  if (CONTROL.test(value)) malformed('header')
  const name = written.toLowerCase()
  const before = headers[name]
  if (before === undefined) headers[name] = value
  else if (typeof before === 'string') headers[name] = [before, value]
  else before.push(value)
}

/** RFC 9112 §6.3; but both framings at once, a repeated one, and codings that nobody asked for are refused. */
function framingOf(status: number, headers: ResponseHead['headers'], isLatest: boolean): Framing {
  const length = headers['content-length']
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    if (!isLatest || length !== undefined || typeof coding !== 'string' || coding.toLowerCase() !== 'chunked') {
      malformed('framing')
    }
    return status < 200 || status === 204 || status === 304 ? malformed('framing') : 'chunked'
  }
  if (length !== undefined && (typeof length !== 'string' || !/^\d{1,15}$/.test(length))) malformed('framing')
  if (status < 200 || status === 204 || status === 304) return 0
  return length === undefined ? 'close' : Number(length)
}

function keepSecondsOf(value: string | string[] | undefined): number | undefined {
  const [, seconds] = typeof value === 'string' ? (/(?:^|,)\s*timeout=(\d{1,6})\s*(?:,|$)/i.exec(value) ?? []) : []
  return seconds === undefined ? undefined : Number(seconds)
}

function lists(value: string | string[] | undefined, token: string): boolean {
  if (value === undefined) return false
  const text = typeof value === 'string' ? value : value.join(',')
  return text.split(',').some((part) => part.trim().toLowerCase() === token)
}

function malformed(part: string): never {
  throw new Fault('upstream.malformed', { reason: 'http', part })
}
