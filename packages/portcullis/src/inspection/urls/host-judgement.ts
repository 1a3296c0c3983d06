/** Decides whether a host may be named in an argument: by its kind of address, by what its name says, and by the list of its rules. */
import { isIP } from 'node:net'
import { addressKind } from '../../core/special-addresses.ts'

export interface HostRules {
  /** `api.example.com`, or `*.example.com` for every name below (not itself). Absent: any public name. */
  readonly hosts?: readonly string[]
  /** A weakening: addresses and names of this house may be named even where no rule lists them. Default `refused`. */
  readonly insideHosts?: 'refused' | 'allowed'
  /** Whether an address may stand for a name. Default `public`. */
  readonly addresses?: 'public' | 'refused'
}

/** Why a host is refused: a stable reason, and what a caller may read. */
export interface HostFlaw {
  readonly reason: string
  readonly says: string
}

/** Names that mean this machine, its network, or whatever address they spell, and that no public host has. */
const INSIDE_NAME = new RegExp(
  [
    String.raw`^(?:[^.]+$|(?:.+\.)?(?:localhost\d?|localdomain\d?|local|internal|intranet|lan|home|corp|private|test|invalid|home\.arpa|svc|cluster\.local)$`,
    String.raw`|(?:.+\.)?(?:nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|yoogle\.com|fbi\.com|readme\.localtest\.me|1u\.ms|rbndr\.us|nip\.works|traefik\.me|local\.gd|127-0-0-1\.org\.uk)$`,
    String.raw`|(?:.+\.)?metadata\.(?:google\.internal|goog|packet\.net|tencentyun\.com|platformequinix\.com|azure\.com)$|instance-data\.ec2\.internal$|(?:.+\.)?(?:in-addr|ip6)\.arpa$)`,
  ].join(''),
)
const NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** The last label of a name is never a number (WHATWG URL, "ends in a number"); one that is, is an address in disguise. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/** `host`: a name or an address as it is written, an IPv6 address with or without brackets. */
export function judgeHost(host: string, rules: HostRules): HostFlaw | undefined {
  const lower = host.toLowerCase()
  const address = lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower
  if (isIP(address) !== 0) return judgeAddress(address, rules)
  if (ENDS_IN_NUMBER.test(lower)) return flaw('disguised-address', 'must spell addresses in their usual form')
  if (!NAME.test(lower))
    return flaw('malformed-host', 'must name a host in lower ASCII letters, digits, hyphens and dots')
  if (isListed(lower, rules.hosts ?? [])) return undefined
  if (rules.hosts !== undefined) return flaw('host', 'must name a host that is allowed')
  if (INSIDE_NAME.test(lower) && rules.insideHosts !== 'allowed') return flaw('inside', 'must name a public host')
  return undefined
}

function judgeAddress(address: string, rules: HostRules): HostFlaw | undefined {
  if (isListed(address, rules.hosts ?? [])) return undefined
  if (rules.hosts !== undefined) return flaw('host', 'must name a host that is allowed')
  const kind = addressKind(address)
  // Whatever is allowed inside, nobody gets at what hands out credentials, or at an address behind another one.
  if (kind === 'guarded' || kind === 'never') return flaw('guarded-address', 'must name a public host')
  if (kind !== 'public' && rules.insideHosts !== 'allowed') return flaw('inside', 'must name a public host')
  return rules.addresses === 'refused' ? flaw('address', 'must name a host, not an address') : undefined
}

const isListed = (host: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => {
    const wanted = pattern.toLowerCase()
    return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length >= wanted.length : host === wanted
  })

const flaw = (reason: string, says: string): HostFlaw => ({ reason: `url.${reason}`, says })
