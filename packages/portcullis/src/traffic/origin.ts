import { isIPv6 } from 'node:net'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import { readableBy } from './cross-origin.ts'

export interface OriginRules {
  /** What clients may write into Host: `name`, `name:port`, `192.0.2.1:port`, `[::1]:port`. */
  readonly hosts: readonly string[]
  /** The port that Host may leave out: 443 with TLS, 80 without. */
  readonly defaultPort: number
  /** Origins of pages that may call, such as `https://console.example`. */
  readonly origins: readonly string[]
  /** Whether this path is a page for people, which no page of another origin reads (RFC 9700 §2.6). Absent: none is. */
  readonly isPage?: (path: string) => boolean
}

/**
 * Check `traffic.origin`: DNS rebinding makes a victim's browser call a loopback address under the attacker's name, and
 * this is where it shows: Host is not ours, and Origin is a page's (MCP 2026-07-28, "Security & Endpoint").
 *
 * Programs send no Origin. Both are parsed and compared whole; no prefixes, suffixes or patterns. Throws
 * `traffic.host_refused` and `traffic.origin_refused`. Throws TypeError at once for rules that cannot be met.
 */
export function originStage(rules: OriginRules): Check<Exchange> {
  const hosts = new Set(rules.hosts.map((host) => canonicalHost(host, rules.defaultPort) ?? unusable('host', host)))
  const origins = new Set(rules.origins.map((origin) => canonicalOrigin(origin) ?? unusable('origin', origin)))
  // Clients write Host the same way each time, so the last spelling that was good is not parsed again.
  let lastGood: string | undefined
  return {
    name: 'traffic.origin',
    check({ head, outlet }) {
      const { host, origin } = head.headers
      // An absolute-form target overrides Host (RFC 9112 section 3.2.2) and no client of ours sends one.
      if (typeof host !== 'string' || !head.path.startsWith('/')) throw new Fault('traffic.host_refused', { host })
      if (host !== lastGood) {
        const canonical = canonicalHost(host, rules.defaultPort)
        if (canonical === undefined || !hosts.has(canonical)) throw new Fault('traffic.host_refused', { host })
        lastGood = host
      }
      if (origin === undefined) return
      const from = typeof origin === 'string' ? canonicalOrigin(origin) : undefined
      if (from === undefined || !origins.has(from)) throw new Fault('traffic.origin_refused', { origin })
      if (rules.isPage?.(head.path) !== true) outlet.announce?.(readableBy(origin as string))
    },
  }
}

const NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::([1-9]\d{0,4}))?$/

/** Host and port in one spelling (RFC 9110 section 7.2), or undefined when it is anything but host and port. */
function canonicalHost(text: string, defaultPort: number): string | undefined {
  if (text.length > 260) return undefined
  const match = AUTHORITY.exec(text.toLowerCase())
  if (match === null) return undefined
  const [, literal, name, port] = match
  const host = literal === undefined ? canonicalName(name as string) : canonicalIPv6(literal)
  return host === undefined ? undefined : `${host}:${port ?? defaultPort}`
}

const canonicalName = (name: string): string | undefined => (NAME.test(name) ? name : undefined)

const canonicalIPv6 = (literal: string): string | undefined =>
  isIPv6(literal) ? URL.parse(`http://[${literal}]`)?.hostname : undefined

/** An origin of a page (RFC 6454 section 6.1), or undefined: `null`, a list, or anything with a path or a user. */
function canonicalOrigin(text: string): string | undefined {
  const match = /^(https?):\/\/([^/]+)$/i.exec(text)
  if (match === null) return undefined
  const scheme = (match[1] as string).toLowerCase()
  const host = canonicalHost(match[2] as string, scheme === 'https' ? 443 : 80)
  return host === undefined ? undefined : `${scheme}://${host}`
}

function unusable(what: string, value: string): never {
  throw new TypeError(`not a ${what}: ${value}`)
}
