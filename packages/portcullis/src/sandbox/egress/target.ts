/** Reads for whom a request of HTTP is: the target of CONNECT, an absolute URL, the Host header. */
import { Refused } from './refused.ts'
import { hostName } from './rules.ts'

export interface Authority {
  /** As it was written, for the report. */
  readonly text: string
  /** Undefined when it is no host name. */
  readonly host: string | undefined
  readonly port: number
}

/** `host:port` as CONNECT has it (RFC 9110 §9.3.6). Without a port it is nothing. */
export function readConnectTarget(target: string): Authority {
  const authority = readAuthority(target, 0)
  if (authority.port === 0) throw new Refused('protocol')
  return authority
}

/** Splits at the last colon. Throws Refused `protocol` for a port that is none. */
function readAuthority(text: string, defaultPort: number): Authority {
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/s.exec(text) ?? []
  const number = port === undefined ? defaultPort : Number(port)
  if (number > 65_535 || (port !== undefined && number === 0)) throw new Refused('protocol')
  return { text: host, host: hostName(host), port: number }
}

export interface AbsoluteTarget {
  readonly authority: Authority
  /** Path and query, beginning with a slash. */
  readonly path: string
}

const HTTP_PORT = 80
/** Origin-form of RFC 9112 §3.2.1 without characters that some parsers change or cut at. */
const PATH = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/

/** `http://host:port/path?query`. Throws Refused `protocol` for anything else. */
export function readAbsoluteTarget(target: string): AbsoluteTarget {
  const [, authority, path = ''] = /^http:\/\/([^/?#\\]*)(.*)$/is.exec(target) ?? []
  if (authority === undefined) throw new Refused('protocol')
  return { authority: readAuthority(authority, HTTP_PORT), path: readPath(path.startsWith('/') ? path : `/${path}`) }
}

/** `/path?query`. Throws Refused `protocol` for a fragment, a backslash, a blank or anything beyond ASCII. */
export function readPath(target: string): string {
  if (!PATH.test(target)) throw new Refused('protocol')
  return target
}

/** The one Host header must name the host that was asked for (RFC 9112 §3.2). Throws Refused `host-header`. */
export function checkHost(rawHeaders: readonly string[], host: string, port: number, defaultPort: number): void {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'host')
  const [value] = values
  if (value === undefined || values.length > 1) throw new Refused('host-header')
  const named = readAuthority(value, defaultPort)
  if (named.host !== host || named.port !== port) throw new Refused('host-header')
}

/** As a Host header has it. */
export function hostHeader(host: string, port: number, defaultPort: number): string {
  return port === defaultPort ? host : `${host}:${port}`
}
