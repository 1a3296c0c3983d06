/** Decides where an authorization code may be sent at all, whatever a client says of itself (RFC 8252, OAuth 2.1 §2.3). */

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Schemes that a browser itself acts upon. */
const DANGEROUS = /^(?:javascript|data|file|vbscript|about|blob|filesystem|view-source|ws|wss|ftp|mailto|tel):$/

/** What is wrong with the URI, or undefined: https, http on this machine, or a scheme of an application's own. */
export function redirectProblem(uri: string): string | undefined {
  const url = URL.parse(uri)
  if (url === null || uri.length > 2048 || /[\s\\<>"^`{|}]/.test(uri)) return 'not a usable URI'
  if (uri.includes('#')) return 'it has a fragment'
  if (url.username !== '' || url.password !== '') return 'it carries credentials'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:') return LOOPBACK.has(url.hostname) ? undefined : 'http leads to this machine only'
  return DANGEROUS.test(url.protocol) ? 'a scheme that browsers act upon' : undefined
}

/** Whether it leads to a program on the person's own device: then any port will do (RFC 8252 §7.3). */
export function isNative(uri: string): boolean {
  const url = URL.parse(uri)
  return url !== null && (url.protocol === 'http:' ? LOOPBACK.has(url.hostname) : url.protocol !== 'https:')
}

/** What of a redirect a consent is for: its host, or the program's scheme; ports of programs on the device change (RFC 8252 §7.3). */
export function destinationOf(uri: string | undefined): string {
  if (uri === undefined) return 'a device'
  const url = URL.parse(uri)
  if (url === null) return uri
  return isNative(uri) ? `${url.protocol}//${url.hostname}` : `${url.protocol}//${url.host}`
}

/** The host of a redirect in the words of the consent page. */
export function redirectHost(uri: string): string {
  const url = URL.parse(uri)
  if (url === null) return uri
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.host : `${url.protocol}…`
}
