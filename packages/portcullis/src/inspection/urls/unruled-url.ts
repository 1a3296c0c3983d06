/**
 * Decides about URLs and hosts for which nobody has configured rules: they may lead anywhere but inward. Read as the
 * standard's parser reads them (WHATWG URL), which undoes the usual disguises of an address.
 */
import { evidence, type Inspect, type Sighting, type Weight } from '../finding.ts'
import { judgeHost } from './host-judgement.ts'
import { urlRole } from './url-role.ts'

/** Schemes that run something, read files of the tool's machine, or speak to other services in its name. */
const OTHER_SCHEME =
  /^[\s\0-\x20]*(?:j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t|vbscript|data|file|gopher|dict|ldaps?|jar|netdoc|local_file|phar|php|expect|tftp|view-source|filesystem|blob|smb|cifs|nfs|rmi|url|(?:[a-z]+\+)?unix)\s*:/i
/** Spellings that two parsers read differently; the other flaws of a URL are a matter of rules. */
const DISGUISES: ReadonlySet<string> = new Set(['url.ambiguous-authority', 'url.encoded-host'])
const INWARD: ReadonlySet<string> = new Set(['url.inside', 'url.guarded-address', 'url.disguised-address'])
const ANY_SCHEME = /^\s*[a-z][a-z0-9+.-]*:\/\//i
const MAX_LENGTH = 8_192
/** Signs of a shell and of markup, which no host has and no person writes by accident. */
const NO_HOST = /[;|&$`<>(){}"\r\n]/

const spelled = urlRole({
  schemes: ['http', 'https', 'ws', 'wss', 'ftp'],
  insideHosts: 'allowed',
  maxLength: MAX_LENGTH,
})

/** For the role `url`. A value without a scheme is read as if it had one. */
export const unruledUrl: Inspect = (sent) => {
  // The standard's parser does not see them, wherever they stand.
  const value = /[\t\r\n]/.test(sent) ? sent.replace(/[\t\r\n]/g, '') : sent
  if (OTHER_SCHEME.test(value)) return seen('url.scheme', 'strong', value)
  if (/^\s*[/\\](?![/\\])/.test(value)) return NOTHING
  // `http:/host`, `http:host` and a tab inside of the scheme are URLs to the standard's parser as they stand.
  const own = value.includes(':') ? URL.parse(value) : null
  const text = ANY_SCHEME.test(value) ? value : `http://${value.replace(/^[/\\\s]+/, '')}`
  const url = own !== null && own.hostname !== '' ? own : URL.parse(text)
  // What is no URL to the standard's parser may be one to another, which ends the host elsewhere.
  if (url === null || url.hostname === '') return inPieces(text, value)
  const inward = judged(url.hostname, value)
  if (inward.length > 0) return inward
  if (ODD_HOST.test(url.hostname)) return inPieces(text, value)
  if (FRAGMENT_HOST.test(text)) return seen('url.ambiguous-authority', 'strong', value)
  const hidden = ADDRESS_FIRST.exec(url.hostname)?.[1]
  if (hidden !== undefined && judged(hidden, '').length > 0) return seen('url.disguised-address', 'strong', value)
  // A backslash ends the host for one parser and belongs to it for another.
  if (/^[^?#]*\\[^?#]*@/.test(text)) return seen('url.ambiguous-authority', 'strong', value)
  const disguise = spelled(text).find(({ reason }) => DISGUISES.has(reason))
  return disguise !== undefined ? seen(disguise.reason, 'strong', value) : NOTHING
}

/** `http://example.com#@127.0.0.1/`: for one parser the host is before the sign, for another behind it. */
const FRAGMENT_HOST = /^\s*[a-z][a-z0-9+.-]*:[/\\]*[^/?#]*[?#]@/i
/** `127.0.0.1.example.com`, which some readers cut, and which answers with the address it spells. */
const ADDRESS_FIRST = /^(\d{1,3}(?:\.\d{1,3}){3})\./
/** Signs that the standard lets pass and no name in the DNS has. */
const ODD_HOST = /[^\w.:[\]-]/
const MAX_PIECES = 8
const BREAKS = /%[0-9a-f]{2}|[^\w.:[\]-]/i

/** Each part of an authority that no standard allows, where some parser might begin or end the host. */
function inPieces(text: string, value: string): readonly Sighting[] {
  const authority = /^\s*[a-z][a-z0-9+.-]*:[/\\]*([^/?#\\]{0,255})/i.exec(text)?.[1] ?? ''
  const pieces = authority
    .split(BREAKS, MAX_PIECES)
    .filter((piece) => piece !== '')
    .map((piece) => URL.parse(`http://${piece}`)?.hostname ?? '')
  const isInward =
    BREAKS.test(authority) && pieces.some((piece) => judged(piece, '').some(({ weight }) => weight === 'strong'))
  return isInward ? seen('url.ambiguous-authority', 'strong', value) : NOTHING
}

/** For the role `host`: a name, an address, one of them with a port, or by mistake a whole URL. */
export const unruledHost: Inspect = (value) => {
  if (NO_HOST.test(value)) return seen('url.malformed-host', 'strong', value)
  if (/[/\\@]/.test(value)) return unruledUrl(value)
  const bare = /^[0-9a-f:]+$/i.test(value) && value.split(':').length > 2 ? `[${value}]` : value
  const url = URL.parse(`http://${bare.trim()}`)
  return url === null ? NOTHING : judged(url.hostname, value)
}

/**
 * A single word is a name that only this house knows, and often no host at all. An address of a private network, spelled
 * plainly, may be just what the tool is for. Both are for a reader, not for a refusal: only rules can say more.
 */
function judged(host: string, value: string): readonly Sighting[] {
  const name = host.replace(/\.$/, '')
  const flaw = judgeHost(name, {})
  if (flaw === undefined || !INWARD.has(flaw.reason)) return NOTHING
  const isWord = !/[.:[\]]/.test(name) && name !== 'localhost'
  const isPlain = PRIVATE.test(name) && value.includes(name)
  return seen(flaw.reason, isWord || isPlain ? 'hint' : 'strong', value)
}

/** RFC 1918. */
const PRIVATE = /^(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)\.[\d.]+$/

const NOTHING: readonly Sighting[] = []

const seen = (reason: string, weight: Weight, value: string): readonly Sighting[] => [
  { family: 'url', weight, reason, evidence: evidence(value) },
]
