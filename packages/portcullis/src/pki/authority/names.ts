/** Decides which names a certificate may be issued for, and of which kind each is. */
import { isIP } from 'node:net'
import { PkiError } from '../pki-error.ts'

export interface SubjectName {
  readonly type: 'dns' | 'ip' | 'url'
  readonly value: string
}

const MAX_NAMES = 50
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/
const MAX_URI_CHARS = 2_000

/**
 * `dns:`, `ip:` or `uri:` before a name says what it is; without one it is told by its form. A server is found by its names, so
 * it needs one. Throws PkiError for a name that is none, one that stands there twice, and too many.
 */
export function subjectNames(texts: readonly string[], use: 'server' | 'client'): readonly SubjectName[] {
  const names = texts.map((text) => subjectName(text, use))
  if (names.length > MAX_NAMES) throw new PkiError(`${names.length} names are too many`, `give at most ${MAX_NAMES}`)
  if (use === 'server' && !names.some(({ type }) => type !== 'url'))
    throw new PkiError('a server has no name', 'give a host name or an address that clients call it by')
  const seen = new Set<string>()
  for (const { type, value } of names) {
    if (seen.has(`${type} ${value}`)) throw new PkiError(`the name ${value} is there twice`, 'give it once')
    seen.add(`${type} ${value}`)
  }
  return names
}

/** As lists and records show it. */
export const shownName = ({ type, value }: SubjectName): string => `${type === 'url' ? 'uri' : type}:${value}`

function subjectName(text: string, use: 'server' | 'client'): SubjectName {
  const [, prefix, rest] = /^(dns|ip|uri):(.*)$/s.exec(text) ?? [undefined, kindOf(text), text]
  const value = rest ?? ''
  // A zone means an interface of one host alone, and certificates have no place for it (RFC 5280 §4.2.1.6).
  const isAddress = isIP(value) !== 0 && !value.includes('%')
  if (prefix === 'ip')
    return isAddress ? { type: 'ip', value } : refuse(text, 'an address such as 192.0.2.1, without a zone')
  if (prefix === 'uri') return uri(text, value)
  const name = value.toLowerCase()
  const labels = name.split('.')
  // A wildcard stands for one whole first label (RFC 9525 §6.3); in the certificate of a client it would name nobody.
  const rests = labels[0] === '*' && use === 'server' && labels.length > 2 ? labels.slice(1) : labels
  const isHost = name.length <= 253 && rests.every((label) => LABEL.test(label))
  return isHost ? { type: 'dns', value: name } : refuse(text, 'a host name such as gate.example.org')
}

const kindOf = (text: string): string => (isIP(text) !== 0 ? 'ip' : text.includes('://') ? 'uri' : 'dns')

function uri(text: string, value: string): SubjectName {
  const isUri = /^[a-z][a-z0-9+.-]*:\/\/[!-~]+$/.test(value) && value.length <= MAX_URI_CHARS && URL.canParse(value)
  return isUri ? { type: 'url', value } : refuse(text, 'a URI such as spiffe://example.org/agent')
}

function refuse(text: string, right: string): never {
  throw new PkiError(`${JSON.stringify(text.slice(0, 100))} is no name of a certificate`, `write ${right}`)
}
