/**
 * Decides whether a URL, or a host, may be handed to a tool. Parsers of URLs differ, and the tool's is unknown: what two of them
 * could read differently is refused before anything is judged. The address behind a name is judged where the connection is made.
 */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { type HostFlaw, type HostRules, judgeHost } from './host-judgement.ts'

export interface UrlRules extends HostRules {
  /** Lower case, without the colon. Default `https`. */
  readonly schemes?: readonly string[]
  /** Ports beside the scheme's own. */
  readonly ports?: readonly number[]
  /** A weakening: `https://user:password@host/`. Default `refused`. */
  readonly credentials?: 'refused' | 'allowed'
  /** Characters. Default 2048. */
  readonly maxLength?: number
}

export interface HostRoleRules extends HostRules {
  /** Whether `host:port` is meant. Default `refused`. */
  readonly port?: 'refused' | 'allowed'
}

/** Scheme, authority and the rest, as RFC 3986 has them; exactly two slashes, for parsers skip or add some. */
const FORM = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]+)((?:[/?#].*)?)$/i
/** User, host and port of an authority; more than one `@` is anybody's guess. */
const AUTHORITY = /^(?:([^@]*)@)?(\[[0-9a-f:.]+\]|[^@:[\]]+)(?::(\d{1,5}))?$/i
// oxlint-disable-next-line no-control-regex -- parsers strip some of them, others end there
const AMBIGUOUS = /[\u0000-\u0020\u007f-\u00a0\\\u2028\u2029\ufeff]/
const DEFAULT_MAX_LENGTH = 2048

/** Gives `breach` for every URL outside of its rules. */
export function urlRole(rules: UrlRules): Inspect {
  const schemes = new Set(rules.schemes ?? ['https'])
  return (value) => found(value, judgeUrl(value, rules, schemes))
}

/** Gives `breach` for every host outside of its rules. */
export function hostRole(rules: HostRoleRules): Inspect {
  return (value) => found(value, judgeHostValue(value, rules))
}

function judgeUrl(value: string, rules: UrlRules, schemes: ReadonlySet<string>): HostFlaw | undefined {
  if (value.length > (rules.maxLength ?? DEFAULT_MAX_LENGTH)) return flaw('too-long', 'must be shorter')
  if (AMBIGUOUS.test(value)) return flaw('ambiguous', 'must not contain blanks, control characters or backslashes')
  const [, scheme = '', authority = ''] = FORM.exec(value) ?? []
  if (scheme === '') return flaw('malformed', 'must be a full URL with scheme and host')
  if (!schemes.has(scheme.toLowerCase())) return flaw('scheme', 'must use a scheme that is allowed')
  const [, user, host = '', port] = AUTHORITY.exec(authority) ?? []
  if (host === '') return flaw('ambiguous-authority', 'must name one host')
  if (user !== undefined && rules.credentials !== 'allowed') return flaw('credentials', 'must not contain credentials')
  if (authority.includes('%')) return flaw('encoded-host', 'must spell its host plainly')
  return judgeHost(host, rules) ?? judgePort(port, scheme, rules) ?? compare(value, host, scheme)
}

/** The standard's parser has to see the host that was judged, in this very spelling. */
function compare(value: string, host: string, scheme: string): HostFlaw | undefined {
  const url = URL.parse(value)
  if (url === null) return flaw('malformed', 'must be a valid URL')
  const same = host.startsWith('[') || url.hostname === (isSpecial(scheme) ? host.toLowerCase() : host)
  return same ? undefined : flaw('ambiguous-authority', 'must name one host')
}

function judgePort(port: string | undefined, scheme: string, { ports = [] }: UrlRules): HostFlaw | undefined {
  if (port === undefined || DEFAULT_PORTS[scheme.toLowerCase()] === Number(port)) return undefined
  return ports.includes(Number(port)) ? undefined : flaw('port', 'must use a port that is allowed')
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443, ftp: 21 }

const isSpecial = (scheme: string): boolean => Object.hasOwn(DEFAULT_PORTS, scheme.toLowerCase())

function judgeHostValue(value: string, rules: HostRoleRules): HostFlaw | undefined {
  const [, user, host = '', port] = /[/?#\\]/.test(value) || AMBIGUOUS.test(value) ? [] : (AUTHORITY.exec(value) ?? [])
  // An IPv6 address without brackets has colons too.
  if (host === '') return /^[0-9a-f:.]{2,45}$/i.test(value) ? judgeHost(value, rules) : malformed()
  if (user !== undefined) return malformed()
  if (port !== undefined && rules.port !== 'allowed') return flaw('port', 'must not name a port')
  return judgeHost(host, rules)
}

const malformed = (): HostFlaw => flaw('malformed-host', 'must be a host name or an address')

const flaw = (reason: string, says: string): HostFlaw => ({ reason: `url.${reason}`, says })

const NOTHING: readonly Sighting[] = []

const found = (value: string, wrong: HostFlaw | undefined): readonly Sighting[] =>
  wrong === undefined ? NOTHING : [{ family: 'url', weight: 'breach', evidence: evidence(value), ...wrong }]
